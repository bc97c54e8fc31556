"""Queries on models."""

from collections.abc import Collection, Sequence

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.llm_models.models import LlmModel


class LlmModelRepository:
    """The models of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        self._session = session
        self._workspace_id = workspace_id
        self._own: Select[LlmModel] = select(LlmModel).where(LlmModel.workspace_id == workspace_id)

    async def get(self, model_id: str) -> LlmModel | None:
        """One model."""
        return await self._session.scalar(self._own.where(LlmModel.id == model_id))

    async def get_all(self, model_ids: Collection[str]) -> Sequence[LlmModel]:
        """Those of these models that are there."""
        return (await self._session.scalars(self._own.where(LlmModel.id.in_(model_ids)))).all()

    async def page(self, limit: int, offset: int) -> tuple[Sequence[LlmModel], int]:
        """Newest first, and how many there are in all."""
        total = await self._session.scalar(select(func.count()).select_from(self._own.subquery()))
        rows = await self._session.scalars(self._own.order_by(LlmModel.id.desc()).limit(limit).offset(offset))
        return rows.all(), total or 0

    async def add(self, model: LlmModel) -> None:
        """A new model."""
        model.workspace_id = self._workspace_id
        self._session.add(model)
        await self._session.flush()

    async def remove(self, model_id: str) -> None:
        """Delete it; raises IntegrityError when an agent uses it."""
        statement = delete(LlmModel).where(LlmModel.workspace_id == self._workspace_id, LlmModel.id == model_id)
        await self._session.execute(statement)
