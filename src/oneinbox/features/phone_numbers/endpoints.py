"""`/v1/phone-numbers`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from oneinbox.features.attempts import service as attempts
from oneinbox.features.attempts.schemas import AttemptResponse
from oneinbox.features.context.endpoints import Ctx, Route
from oneinbox.features.operations.schemas import OperationResponse
from oneinbox.features.phone_numbers import service
from oneinbox.features.phone_numbers.schemas import PhoneNumberCreate, PhoneNumberResponse, PhoneNumberUpdate
from oneinbox.kit.paging import Limit, Offset, PaginatedResponse

DryRun = Annotated[bool, Query(include_in_schema=False)]
"""Not in the document: the contract's operation has no such parameter."""

router = APIRouter(prefix="/v1/phone-numbers", tags=["phone-numbers"], route_class=Route)


@router.post("", status_code=status.HTTP_201_CREATED)
async def register_phone_number(
    ctx: Ctx, body: PhoneNumberCreate, response: Response, dry_run: DryRun = False
) -> PhoneNumberResponse:
    if dry_run:
        response.status_code = status.HTTP_200_OK
        return await service.rehearse(ctx, body)
    phone = await service.register(ctx, body)
    return service.to_response(phone, phone.status)


@router.get("")
async def list_phone_numbers(ctx: Ctx, limit: Limit = 20, offset: Offset = 0) -> PaginatedResponse[PhoneNumberResponse]:
    page = await service.list_phone_numbers(ctx, limit, offset)
    items = await service.shown(ctx, page.items)
    return PaginatedResponse(items=items, total=page.total, limit=limit, offset=offset)


@router.get("/{phone_id}")
async def get_phone_number(ctx: Ctx, phone_id: UUID) -> PhoneNumberResponse:
    return (await service.shown(ctx, [await service.get(ctx, str(phone_id))]))[0]


@router.patch("/{phone_id}")
async def update_phone_number(ctx: Ctx, phone_id: UUID, body: PhoneNumberUpdate) -> PhoneNumberResponse:
    return (await service.shown(ctx, [await service.update(ctx, str(phone_id), body)]))[0]


@router.delete("/{phone_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_phone_number(ctx: Ctx, phone_id: UUID) -> None:
    await service.delete(ctx, str(phone_id))


@router.get("/{phone_id}/attempts")
async def list_phone_number_attempts(
    ctx: Ctx, phone_id: UUID, limit: Limit = 20, offset: Offset = 0
) -> PaginatedResponse[AttemptResponse]:
    phone = await service.get(ctx, str(phone_id))
    page = await attempts.of_number(ctx.session, ctx.workspace_id, phone.id, limit, offset)
    return PaginatedResponse(items=list(page.items), total=page.total, limit=limit, offset=offset)


@router.get("/{phone_id}/operations")
async def list_phone_number_operations(
    ctx: Ctx, phone_id: UUID, limit: Limit = 20, offset: Offset = 0
) -> PaginatedResponse[OperationResponse]:
    page = await service.operations_of(ctx, str(phone_id), limit, offset)
    return PaginatedResponse(items=list(page.items), total=page.total, limit=limit, offset=offset)
