"""`/v1/health`, which needs no key."""

from fastapi import APIRouter

from oneinbox.features.context.endpoints import AnyVisit
from oneinbox.features.health import service
from oneinbox.features.health.schemas import HealthResponse

router = APIRouter(prefix="/v1/health", tags=["health"])


@router.get("")
async def health(visit: AnyVisit) -> HealthResponse:
    return await service.look(visit)
