"""Queries on operations."""

from collections.abc import Collection, Sequence

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.kit.paging import OffsetPages, Page
from oneinbox.kit.steps import Operation, OperationStep


class OperationRepository:
    """The operations of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        self._session = session
        self._own: Select[Operation] = select(Operation).where(Operation.workspace_id == workspace_id)

    async def get(self, operation_id: str) -> Operation | None:
        """One operation."""
        return await self._session.scalar(self._own.where(Operation.id == operation_id))

    async def page(self, resource_id: str, limit: int, offset: int) -> Page[Operation]:
        """Those on one resource, newest first."""
        about = self._own.where(Operation.resource_id == resource_id)
        return await OffsetPages(about, Operation.id).read(self._session, limit, offset)

    async def steps(self, operation_ids: Collection[str]) -> Sequence[OperationStep]:
        """The steps of operations of this workspace, in order."""
        mine = self._own.where(Operation.id.in_(operation_ids)).with_only_columns(Operation.id)
        statement = select(OperationStep).where(OperationStep.operation_id.in_(mine))
        return (await self._session.scalars(statement.order_by(OperationStep.operation_id, OperationStep.seq))).all()
