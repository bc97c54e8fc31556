"""Queries on operations."""

from collections.abc import Collection, Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.kit.steps import Operation, OperationStep


class OperationRepository:
    """The operations of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        self._session = session
        self._own: Select[Operation] = select(Operation).where(Operation.workspace_id == workspace_id)

    async def get(self, operation_id: str) -> Operation | None:
        """One operation."""
        return await self._session.scalar(self._own.where(Operation.id == operation_id))

    async def page(self, resource_id: str, limit: int, offset: int) -> tuple[Sequence[Operation], int]:
        """Those on one resource, newest first, and how many there are in all."""
        about = self._own.where(Operation.resource_id == resource_id)
        total = await self._session.scalar(select(func.count()).select_from(about.subquery()))
        rows = await self._session.scalars(about.order_by(Operation.id.desc()).limit(limit).offset(offset))
        return rows.all(), total or 0

    async def steps(self, operation_ids: Collection[str]) -> Sequence[OperationStep]:
        """The steps of operations of this workspace, in order."""
        mine = self._own.where(Operation.id.in_(operation_ids)).with_only_columns(Operation.id)
        statement = select(OperationStep).where(OperationStep.operation_id.in_(mine))
        return (await self._session.scalars(statement.order_by(OperationStep.operation_id, OperationStep.seq))).all()
