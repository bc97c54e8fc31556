"""`/v1/agents`."""

from uuid import UUID

from fastapi import APIRouter, status

from oneinbox.features.agents import service
from oneinbox.features.agents.schemas import AgentCreate, AgentResponse, AgentUpdate
from oneinbox.features.context.endpoints import Ctx, Route
from oneinbox.kit.paging import Limit, Offset, PaginatedResponse

router = APIRouter(prefix="/v1/agents", tags=["agents"], route_class=Route)


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_agent(ctx: Ctx, body: AgentCreate) -> AgentResponse:
    return await service.shown(ctx, (await service.create(ctx, body)).id)


@router.get("")
async def list_agents(ctx: Ctx, limit: Limit = 20, offset: Offset = 0) -> PaginatedResponse[AgentResponse]:
    page = await service.list_agents(ctx, limit, offset)
    items = [service.to_response(agent) for agent in page.items]
    return PaginatedResponse(items=items, total=page.total, limit=limit, offset=offset)


@router.get("/{agent_id}")
async def get_agent(ctx: Ctx, agent_id: UUID) -> AgentResponse:
    return await service.shown(ctx, str(agent_id))


@router.patch("/{agent_id}")
async def update_agent(ctx: Ctx, agent_id: UUID, body: AgentUpdate) -> AgentResponse:
    await service.update(ctx, str(agent_id), body)
    return await service.shown(ctx, str(agent_id))


@router.delete("/{agent_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_agent(ctx: Ctx, agent_id: UUID) -> None:
    await service.delete(ctx, str(agent_id))
