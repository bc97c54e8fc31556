"""Queries on audit events."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import Select, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.audit_events.models import AuditChain, AuditEvent
from oneinbox.features.audit_events.schemas import Filters

START = bytes(32)
BATCH = 500


class AuditRepository:
    """The audit events of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        self._session = session
        self._workspace_id = workspace_id
        self._own: Select[AuditEvent] = select(AuditEvent).where(AuditEvent.workspace_id == workspace_id)

    async def after(self, last_id: str | None, filters: Filters, limit: int) -> Sequence[AuditEvent]:
        """Newest first, older than the one of that id."""
        rows = self._own if last_id is None else self._own.where(AuditEvent.id < last_id)
        if filters.action is not None:
            rows = rows.where(AuditEvent.action == filters.action)
        if filters.resource_type is not None:
            rows = rows.where(AuditEvent.resource_type == filters.resource_type)
        if filters.actor is not None:
            rows = rows.where(or_(AuditEvent.user_id == filters.actor, AuditEvent.api_key_id == filters.actor))
        if filters.since is not None:
            rows = rows.where(AuditEvent.created_at >= filters.since)
        if filters.until is not None:
            rows = rows.where(AuditEvent.created_at < filters.until)
        return (await self._session.scalars(rows.order_by(AuditEvent.id.desc()).limit(limit))).all()

    async def lock_end(self) -> AuditChain:
        """The end of the chain, held until the transaction ends."""
        first = insert(AuditChain).values(workspace_id=self._workspace_id, seq=0, chain=START)
        await self._session.execute(first.on_conflict_do_nothing())
        own = select(AuditChain).where(AuditChain.workspace_id == self._workspace_id)
        held = own.with_for_update().execution_options(populate_existing=True)
        return (await self._session.scalars(held)).one()

    async def add(self, event: AuditEvent) -> None:
        """The next event."""
        self._session.add(event)
        await self._session.flush()

    async def in_order(self) -> AsyncIterator[AuditEvent]:
        """All events, oldest first."""
        last = -1
        while True:
            rows = self._own.where(AuditEvent.seq > last).order_by(AuditEvent.seq).limit(BATCH)
            batch = (await self._session.scalars(rows)).all()
            for event in batch:
                yield event
                last = event.seq
            if len(batch) < BATCH:
                return


async def chains(session: AsyncSession) -> Sequence[AuditChain]:
    """The ends of all workspaces' chains."""
    return (await session.scalars(select(AuditChain).order_by(AuditChain.workspace_id))).all()
