"""Queries on audit events."""

from collections.abc import AsyncIterator, Mapping, Sequence

from sqlalchemy import Select, bindparam, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.audit_events.models import AuditChain, AuditCount, AuditEvent
from oneinbox.features.audit_events.schemas import Filters

START = bytes(32)
BATCH = 500
ALL = "all"

_COUNT = select(AuditCount).where(AuditCount.name == ALL)
_HELD_END = (
    select(AuditChain)
    .where(AuditChain.workspace_id == bindparam("workspace_id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


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

    async def lock_end(self, first_seal: bytes) -> tuple[AuditChain, bool]:
        """The end of the chain, held until the transaction ends, and whether the chain is new and got `first_seal`.

        An end that is gone although there are events is made again where they end, without a seal.
        """
        own = {"workspace_id": self._workspace_id}
        end = await self._session.scalar(_HELD_END, own)
        if end is not None:
            return end, False
        first = insert(AuditChain).values(seq=0, chain=START, seal=first_seal, **own)
        made = await self._session.scalar(first.on_conflict_do_nothing().returning(AuditChain.workspace_id))
        end = (await self._session.scalars(_HELD_END, own)).one()
        if made is None:
            return end, False
        last = await self._session.scalar(self._own.order_by(AuditEvent.seq.desc()).limit(1))
        if last is not None:
            end.seq, end.chain, end.seal = last.seq, last.chain, b""
        return end, last is None

    async def lock_count(self) -> AuditCount:
        """The count of chains, held until the transaction ends; one that is gone is made again without a seal."""
        there = await self._session.scalar(select(func.count()).select_from(AuditChain)) or 0
        first = insert(AuditCount).values(name=ALL, chains=max(0, there - 1), seal=b"")
        await self._session.execute(first.on_conflict_do_nothing())
        held = _COUNT.with_for_update().execution_options(populate_existing=True)
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


async def look_at_one_moment(session: AsyncSession) -> None:
    """What is read in this transaction, which nothing has been asked in yet, is all of one moment."""
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


async def chains(session: AsyncSession) -> Mapping[str, AuditChain | None]:
    """The ends of all workspaces' chains by workspace; None where there are events, but no end."""
    ends = {end.workspace_id: end for end in await session.scalars(select(AuditChain))}
    chained = await session.scalars(select(AuditEvent.workspace_id).distinct())
    return {workspace_id: ends.get(workspace_id) for workspace_id in sorted({*ends, *chained})}


async def count(session: AsyncSession) -> AuditCount | None:
    """How many chains have been begun, if that is on record."""
    return await session.scalar(_COUNT)
