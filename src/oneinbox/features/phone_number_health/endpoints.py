"""`/v1/phone-numbers/{phone_id}/health`."""

from uuid import UUID

from fastapi import APIRouter

from oneinbox.features.context.endpoints import Ctx
from oneinbox.features.phone_number_health import service
from oneinbox.features.phone_number_health.schemas import PhoneNumberHealthResponse

router = APIRouter(prefix="/v1/phone-numbers", tags=["phone-numbers"])


@router.get("/{phone_id}/health")
async def get_phone_number_health(ctx: Ctx, phone_id: UUID) -> PhoneNumberHealthResponse:
    return await service.look(ctx, str(phone_id))
