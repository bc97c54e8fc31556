"""Queries on agents; deleted ones are never among them."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import String, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.agents.models import Agent
from oneinbox.features.llm_models import service as llm_models
from oneinbox.features.llm_models.schemas import Mind
from oneinbox.kit.paging import OffsetPages, Page

_OWN = select(Agent).where(Agent.workspace_id == bindparam("workspace_id"), Agent.deleted_at.is_(None))
_LOCKED = _OWN.where(Agent.id == bindparam("agent_id")).with_for_update()
_THESE = _OWN.where(Agent.id == any_(bindparam("agent_ids", type_=ARRAY(String))))
_IDS = _THESE.with_only_columns(Agent.id)
_WITH_MODELS = llm_models.beside(_THESE, Agent.llm_id, Agent.workspace_id)
_PROVIDERS = _THESE.where(Agent.status != "paused").with_only_columns(
    Agent.id,
    llm_models.provider_of(Agent.llm_id, Agent.workspace_id),
    Agent.transcriber["provider"].astext,
    Agent.tts["provider"].astext,
)
_PAGES = OffsetPages(_OWN, Agent.id)


class AgentRepository:
    """The agents of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        self._session = session
        self._workspace_id = workspace_id

    async def lock(self, agent_id: str) -> Agent | None:
        """One agent, held until the transaction ends, so that changes don't undo one another."""
        return await self._session.scalar(_LOCKED, {"workspace_id": self._workspace_id, "agent_id": agent_id})

    async def known(self, agent_ids: Collection[str]) -> frozenset[str]:
        """The ids of those of these agents that are there."""
        return frozenset(await self._session.scalars(_IDS, self._these(agent_ids)))

    async def with_minds(self, agent_ids: Collection[str]) -> Sequence[tuple[Agent, Mind | None]]:
        """Those of these agents that are there, each with its model's mind."""
        found = await self._session.execute(_WITH_MODELS, self._these(agent_ids))
        return [(agent, llm_models.mind(model) if model else None) for agent, model in found]

    async def providers(self, agent_ids: Collection[str]) -> Mapping[str, Mapping[str, str | None]]:
        """Those of these agents that are there and switched on, each with the providers of its parts."""
        found = await self._session.execute(_PROVIDERS, self._these(agent_ids))
        return {
            agent_id: {"llm": llm, "transcriber": transcriber, "tts": tts} for agent_id, llm, transcriber, tts in found
        }

    async def page(self, limit: int, offset: int) -> Page[Agent]:
        """Newest first."""
        return await _PAGES.read(self._session, limit, offset, workspace_id=self._workspace_id)

    async def add(self, agent: Agent) -> None:
        """A new agent; raises IntegrityError when its model went away meanwhile."""
        agent.workspace_id = self._workspace_id
        self._session.add(agent)
        await self._session.flush()

    def _these(self, agent_ids: Collection[str]) -> dict[str, object]:
        return {"workspace_id": self._workspace_id, "agent_ids": list(agent_ids)}
