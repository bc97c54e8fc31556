"""Queries on agents; deleted ones are never among them."""

from collections.abc import Collection, Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.agents.models import Agent


class AgentRepository:
    """The agents of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        self._session = session
        self._workspace_id = workspace_id
        self._own: Select[Agent] = select(Agent).where(Agent.workspace_id == workspace_id, Agent.deleted_at.is_(None))

    async def get(self, agent_id: str, *, lock: bool = False) -> Agent | None:
        """One agent; with `lock` held until the transaction ends, so that changes don't undo one another."""
        statement = self._own.where(Agent.id == agent_id)
        return await self._session.scalar(statement.with_for_update() if lock else statement)

    async def get_all(self, agent_ids: Collection[str]) -> Sequence[Agent]:
        """Those of these agents that are there."""
        return (await self._session.scalars(self._own.where(Agent.id.in_(agent_ids)))).all()

    async def page(self, limit: int, offset: int) -> tuple[Sequence[Agent], int]:
        """Newest first, and how many there are in all."""
        total = await self._session.scalar(select(func.count()).select_from(self._own.subquery()))
        rows = await self._session.scalars(self._own.order_by(Agent.id.desc()).limit(limit).offset(offset))
        return rows.all(), total or 0

    async def add(self, agent: Agent) -> None:
        """A new agent; raises IntegrityError when its model went away meanwhile."""
        agent.workspace_id = self._workspace_id
        self._session.add(agent)
        await self._session.flush()
