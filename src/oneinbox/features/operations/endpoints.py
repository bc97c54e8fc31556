"""`/v1/operations`."""

from uuid import UUID

from fastapi import APIRouter

from oneinbox.features.context.endpoints import Ctx, Route
from oneinbox.features.operations import service
from oneinbox.features.operations.schemas import OperationResponse

router = APIRouter(prefix="/v1/operations", tags=["operations"], route_class=Route)


@router.get("/{operation_id}")
async def get_operation(ctx: Ctx, operation_id: UUID) -> OperationResponse:
    return await service.get(ctx, str(operation_id))
