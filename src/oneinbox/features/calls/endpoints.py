"""`/v1/calls`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse

from oneinbox.features.calls import recordings, service
from oneinbox.features.calls.events import CallStatus
from oneinbox.features.calls.models import Call
from oneinbox.features.calls.schemas import CallResponse
from oneinbox.features.context import Context
from oneinbox.features.context.endpoints import AnyVisit, Ctx, Route
from oneinbox.kit.paging import Cursor, CursorPage, Limit, Offset, PaginatedResponse

router = APIRouter(prefix="/v1/calls", tags=["calls"], route_class=Route)
open_router = APIRouter(prefix="/v1/calls", tags=["calls"])


@router.get("")
async def list_calls(
    ctx: Ctx,
    agent_id: UUID | None = None,
    status: CallStatus | None = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> PaginatedResponse[CallResponse]:
    wanted = str(agent_id) if agent_id else None
    page = await service.list_calls(ctx, agent_id=wanted, status=status, limit=limit, offset=offset)
    items = [await _shown(ctx, call) for call in page.items]
    return PaginatedResponse(items=items, total=page.total, limit=limit, offset=offset)


@router.get("/cursor", summary="List calls (cursor pagination)")
async def list_calls_cursor(
    ctx: Ctx,
    agent_id: UUID | None = None,
    status: CallStatus | None = None,
    limit: Limit = 20,
    cursor: Cursor | None = None,
) -> CursorPage[CallResponse]:
    wanted = str(agent_id) if agent_id else None
    calls, following = await service.list_behind(ctx, cursor, agent_id=wanted, status=status, limit=limit)
    items = [await _shown(ctx, call) for call in calls]
    return CursorPage(items=items, next_cursor=following, has_more=following is not None, limit=limit)


@router.get("/{call_id}")
async def get_call(ctx: Ctx, call_id: UUID) -> CallResponse:
    return await _shown(ctx, await service.get(ctx, str(call_id)))


@router.post("/{call_id}/stop")
async def stop_call(ctx: Ctx, call_id: UUID) -> CallResponse:
    return await _shown(ctx, await service.stop(ctx, str(call_id)))


@open_router.get(
    "/{call_id}/recording",
    response_class=FileResponse,
    responses={
        200: {"description": "The recording.", "content": {"audio/ogg": {}}},
        206: {"description": "The part that the Range header asks for.", "content": {"audio/ogg": {}}},
    },
)
async def get_call_recording(
    visit: AnyVisit, call_id: UUID, expires: Annotated[int, Query(ge=0, lt=2**40)], signature: str
) -> FileResponse:
    """The link itself is the permission: it comes from a call's `recording_url`."""
    path = await recordings.behind(visit, str(call_id), expires, signature)
    return FileResponse(path, media_type="audio/ogg", filename=f"{call_id}.ogg", content_disposition_type="inline")


async def _shown(ctx: Context, call: Call) -> CallResponse:
    messages = await service.messages_so_far(ctx.session, call)
    return service.to_response(call, messages, recordings.link(ctx.ports.links, call, ctx.clock.now()))
