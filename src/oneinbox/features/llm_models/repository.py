"""Queries on models."""

from typing import TypeVar

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from oneinbox.features.llm_models.models import LlmModel
from oneinbox.kit.paging import OffsetPages, Page

T = TypeVar("T")

_OWN = select(LlmModel).where(LlmModel.workspace_id == bindparam("workspace_id"))
_ONE = _OWN.where(LlmModel.id == bindparam("model_id"))
_PAGES = OffsetPages(_OWN, LlmModel.id)


class LlmModelRepository:
    """The models of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        self._session = session
        self._workspace_id = workspace_id

    async def get(self, model_id: str) -> LlmModel | None:
        """One model."""
        return await self._session.scalar(_ONE, {"workspace_id": self._workspace_id, "model_id": model_id})

    async def page(self, limit: int, offset: int) -> Page[LlmModel]:
        """Newest first."""
        return await _PAGES.read(self._session, limit, offset, workspace_id=self._workspace_id)

    async def add(self, model: LlmModel) -> None:
        """A new model."""
        model.workspace_id = self._workspace_id
        self._session.add(model)
        await self._session.flush()

    async def remove(self, model_id: str) -> None:
        """Delete it; raises IntegrityError when an agent uses it."""
        statement = delete(LlmModel).where(LlmModel.workspace_id == self._workspace_id, LlmModel.id == model_id)
        await self._session.execute(statement)


def provider_of(
    model_id: InstrumentedAttribute[str | None], workspace_id: InstrumentedAttribute[str]
) -> ScalarSelect[str]:
    """The provider of the workspace's model of that id, as a column."""
    return select(LlmModel.provider).where(*_of(model_id, workspace_id)).scalar_subquery()


def beside(
    rows: Select[T], model_id: InstrumentedAttribute[str | None], workspace_id: InstrumentedAttribute[str]
) -> Select[T, LlmModel]:
    """The rows, each with the workspace's model of that id; with None where there is none."""
    return rows.outerjoin(LlmModel, and_(*_of(model_id, workspace_id))).add_columns(LlmModel)


def _of(
    model_id: InstrumentedAttribute[str | None], workspace_id: InstrumentedAttribute[str]
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return LlmModel.id == model_id, LlmModel.workspace_id == workspace_id
