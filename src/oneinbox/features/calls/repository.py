"""Queries on calls: a workspace's own rows for the API, single calls by id for those who carry them."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.calls.events import LIVE, CallStatus
from oneinbox.features.calls.models import Call, CallEventRow
from oneinbox.kit.paging import OffsetPages, Page


class CallRepository:
    """The calls of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        self._session = session
        self._own: Select[Call] = select(Call).where(Call.workspace_id == workspace_id)

    async def get(self, call_id: str) -> Call | None:
        """One call."""
        return await self._session.scalar(self._own.where(Call.id == call_id))

    async def page(self, *, agent_id: str | None, status: CallStatus | None, limit: int, offset: int) -> Page[Call]:
        """Newest first."""
        return await OffsetPages(self._filtered(agent_id, status), Call.id).read(self._session, limit, offset)

    async def behind(
        self, last_id: str | None, *, agent_id: str | None, status: CallStatus | None, most: int
    ) -> Sequence[Call]:
        """Newest first, from the one that follows that id."""
        rows = self._filtered(agent_id, status)
        if last_id is not None:
            rows = rows.where(Call.id < last_id)
        return (await self._session.scalars(rows.order_by(Call.id.desc()).limit(most))).all()

    def _filtered(self, agent_id: str | None, status: CallStatus | None) -> Select[Call]:
        rows = self._own
        if agent_id is not None:
            rows = rows.where(Call.agent_id == agent_id)
        if status is not None:
            rows = rows.where(Call.status == status)
        return rows


async def add(session: AsyncSession, call: Call) -> None:
    """A new call."""
    session.add(call)
    await session.flush()


async def find(session: AsyncSession, call_id: str) -> Call | None:
    """A call of any workspace, for the processes that carry it."""
    return await session.get(Call, call_id)


async def lock(session: AsyncSession, call_id: str) -> Call | None:
    """A call of any workspace, held until the transaction ends, as it stands now."""
    statement = select(Call).where(Call.id == call_id).with_for_update().execution_options(populate_existing=True)
    return await session.scalar(statement)


async def add_events(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    """Write events; those that are there already stay as they are."""
    if rows:
        await session.execute(insert(CallEventRow).on_conflict_do_nothing(), rows)


async def events(session: AsyncSession, call_id: str) -> Sequence[CallEventRow]:
    """All events of a call, in order."""
    statement = select(CallEventRow).where(CallEventRow.call_id == call_id).order_by(CallEventRow.seq)
    return (await session.scalars(statement)).all()


async def next_seq(session: AsyncSession, call_id: str) -> int:
    """The sequence number after the last event's."""
    last = await session.scalar(select(func.max(CallEventRow.seq)).where(CallEventRow.call_id == call_id))
    return 0 if last is None else last + 1


async def live_of(session: AsyncSession, worker_ids: Collection[str], offered_for: timedelta) -> Sequence[str]:
    """Ids of calls that these workers hold: the answered ones, and those admitted longer ago than `offered_for`."""
    settled = or_(Call.status == "in_progress", Call.created_at < func.now() - offered_for)
    statement = select(Call.id).where(Call.worker_id.in_(worker_ids), Call.status.in_(LIVE), settled)
    return (await session.scalars(statement.order_by(Call.id))).all()


async def never_started(session: AsyncSession, older_than: timedelta) -> Sequence[str]:
    """Ids of calls that were admitted that long ago and have not been answered."""
    statement = select(Call.id).where(Call.status == "initiated", Call.created_at < func.now() - older_than)
    return (await session.scalars(statement.order_by(Call.id))).all()


async def stop_requested(session: AsyncSession, worker_id: str) -> Sequence[str]:
    """Ids of this worker's live calls that someone asked to stop."""
    statement = select(Call.id).where(
        Call.worker_id == worker_id, Call.status.in_(LIVE), Call.stop_requested_at.is_not(None)
    )
    return (await session.scalars(statement)).all()


async def mark_stop(session: AsyncSession, call_id: str, at: datetime) -> None:
    """Write down that someone asked to stop the call."""
    await session.execute(update(Call).where(Call.id == call_id).values(stop_requested_at=at, updated_at=at))


async def last_inbound_at(session: AsyncSession, workspace_id: str, phone_id: str) -> datetime | None:
    """When the newest call to the number was admitted."""
    own = (Call.workspace_id == workspace_id, Call.phone_id == phone_id, Call.direction == "inbound")
    newest = select(Call.created_at).where(*own).order_by(Call.id.desc()).limit(1)
    return await session.scalar(newest)


async def answered_of(session: AsyncSession, worker_id: str) -> Sequence[str]:
    """Ids of answered calls that have not ended on this worker."""
    statement = select(Call.id).where(Call.worker_id == worker_id, Call.status == "in_progress")
    return (await session.scalars(statement)).all()


async def live_among(session: AsyncSession, call_ids: Collection[str]) -> Sequence[str]:
    """Those of these ids whose calls have not ended."""
    statement = select(Call.id).where(Call.id.in_(call_ids), Call.status.in_(LIVE))
    return (await session.scalars(statement)).all()


async def live_counts(session: AsyncSession, workspace_id: str, phone_id: str) -> tuple[int, int]:
    """How many calls of the number, and of its workspace, are not over."""
    of_number = func.count().filter(Call.phone_id == phone_id)
    live = text("status IN ('initiated', 'in_progress')")  # as in the index, or it can't be used
    counted = select(of_number, func.count()).select_from(Call).where(Call.workspace_id == workspace_id, live)
    number, workspace = (await session.execute(counted)).one()
    return number, workspace


async def one_at_a_time(session: AsyncSession, workspace_id: str) -> None:
    """Until this transaction ends no other passes here for the same workspace."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(workspace_id, 0))))
