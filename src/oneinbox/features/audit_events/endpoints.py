"""`/v1/audit-events`."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from oneinbox.features.audit_events import service
from oneinbox.features.audit_events.schemas import AuditEventResponse, Filters
from oneinbox.features.context.endpoints import Ctx, Route
from oneinbox.kit.paging import Cursor, CursorPage, Limit

router = APIRouter(prefix="/v1/audit-events", tags=["audit-events"], route_class=Route)

Text = Annotated[str, Query(min_length=1, max_length=100, pattern=r"^[\w.-]+$")]


@router.get("")
async def list_audit_events(
    ctx: Ctx,
    action: Text | None = None,
    resource_type: Text | None = None,
    actor: Annotated[Text | None, Query(description="The id of a user or of an API key, or `me`.")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Limit = 20,
    cursor: Cursor | None = None,
) -> CursorPage[AuditEventResponse]:
    filters = Filters(action, resource_type, ctx.actor if actor == "me" else actor, since, until)
    events, following = await service.list_behind(ctx, cursor, filters, limit)
    items = [service.to_response(event) for event in events]
    return CursorPage(items=items, next_cursor=following, has_more=following is not None, limit=limit)
