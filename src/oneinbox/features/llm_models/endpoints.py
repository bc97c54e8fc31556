"""`/v1/models`."""

from uuid import UUID

from fastapi import APIRouter, status

from oneinbox.features.context.endpoints import Ctx, Route
from oneinbox.features.llm_models import service
from oneinbox.features.llm_models.schemas import LLMModelCreate, LLMModelResponse, LLMModelUpdate
from oneinbox.kit.paging import Limit, Offset, PaginatedResponse

router = APIRouter(prefix="/v1/models", tags=["llm-models"], route_class=Route)


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_model(ctx: Ctx, body: LLMModelCreate) -> LLMModelResponse:
    return service.to_response(await service.create(ctx, body))


@router.get("")
async def list_models(ctx: Ctx, limit: Limit = 20, offset: Offset = 0) -> PaginatedResponse[LLMModelResponse]:
    page = await service.list_models(ctx, limit, offset)
    items = [service.to_response(model) for model in page.items]
    return PaginatedResponse(items=items, total=page.total, limit=limit, offset=offset)


@router.get("/{model_id}")
async def get_model(ctx: Ctx, model_id: UUID) -> LLMModelResponse:
    return service.to_response(await service.get(ctx, str(model_id)))


@router.patch("/{model_id}")
async def update_model(ctx: Ctx, model_id: UUID, body: LLMModelUpdate) -> LLMModelResponse:
    return service.to_response(await service.update(ctx, str(model_id), body))


@router.delete("/{model_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_model(ctx: Ctx, model_id: UUID) -> None:
    await service.delete(ctx, str(model_id))
