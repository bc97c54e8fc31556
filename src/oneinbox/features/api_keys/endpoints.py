"""`/v1/api-keys`."""

from uuid import UUID

from fastapi import APIRouter, status

from oneinbox.features.api_keys import service
from oneinbox.features.api_keys.schemas import ApiKeyCreate, ApiKeyCreated, ApiKeyResponse, ApiKeyRotate, ApiKeyRotated
from oneinbox.features.context.endpoints import Ctx, Route

router = APIRouter(prefix="/v1/api-keys", tags=["api-keys"], route_class=Route)


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_api_key(ctx: Ctx, body: ApiKeyCreate) -> ApiKeyCreated:
    return await service.create(ctx, body)


@router.get("")
async def list_api_keys(ctx: Ctx) -> list[ApiKeyResponse]:
    return [service.to_response(key) for key in await service.list_api_keys(ctx)]


@router.delete("/{key_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_api_key(ctx: Ctx, key_id: UUID) -> None:
    await service.revoke(ctx, str(key_id))


@router.post("/{key_id}/rotate")
async def rotate_api_key(ctx: Ctx, key_id: UUID, body: ApiKeyRotate | None = None) -> ApiKeyRotated:
    return await service.rotate(ctx, str(key_id), body or ApiKeyRotate())
