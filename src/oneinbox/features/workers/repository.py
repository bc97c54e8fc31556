"""Queries on workers. They belong to the deployment, not to a workspace; time is the database's own."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, func, not_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from oneinbox.features.workers.models import Worker
from oneinbox.features.workers.schemas import Registration


async def upsert(session: AsyncSession, registration: Registration) -> None:
    """Write the worker as ready and idle, beating from now on."""
    row = {
        "host": registration.host,
        "sip_port": registration.sip_port,
        "capacity": registration.capacity,
        "pid": registration.pid,
        "state": "ready",
        "live": 0,
        "heartbeat_at": func.now(),
    }
    statement = insert(Worker).values(id=registration.id, **row)
    await session.execute(statement.on_conflict_do_update(index_elements=[Worker.id], set_=row))


async def clock(session: AsyncSession) -> datetime:
    """What the database takes for now."""
    now: datetime = (await session.scalars(select(func.now()))).one()
    return now


async def touch(session: AsyncSession, worker_id: str) -> str | None:
    """Move the heartbeat to now; the worker's state, or None when it isn't known."""
    statement = update(Worker).where(Worker.id == worker_id).values(heartbeat_at=func.now()).returning(Worker.state)
    state: str | None = await session.scalar(statement)
    return state


async def set_state(session: AsyncSession, worker_id: str, state: str) -> None:
    """Replace the worker's state."""
    await session.execute(update(Worker).where(Worker.id == worker_id).values(state=state))


async def of_process(session: AsyncSession, pid: int) -> Sequence[str]:
    """Ids of workers that live in this process of the machine."""
    return (await session.scalars(select(Worker.id).where(Worker.pid == pid, Worker.state != "gone"))).all()


async def lock_free(session: AsyncSession, weight: int, stale_after: timedelta) -> Sequence[Worker]:
    """Ready, beating workers with `weight` units free, locked in the order of their ids so that two never deadlock."""
    statement = (
        select(Worker)
        .where(_serving(stale_after), Worker.live + weight <= Worker.capacity)
        .order_by(Worker.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def count_ready(session: AsyncSession, stale_after: timedelta) -> int:
    """How many ready, beating workers there are."""
    return await session.scalar(select(func.count()).where(_serving(stale_after))) or 0


async def add_load(session: AsyncSession, worker_id: str, units: int) -> None:
    """Take units (or with a negative number give them back); never below zero."""
    load = func.greatest(0, Worker.live + units)
    await session.execute(update(Worker).where(Worker.id == worker_id).values(live=load))


async def lock(session: AsyncSession, worker_ids: Collection[str]) -> None:
    """Hold these workers until the transaction ends, taken in the order of their ids so that two never deadlock."""
    await session.execute(select(Worker.id).where(Worker.id.in_(worker_ids)).order_by(Worker.id).with_for_update())


async def departed(session: AsyncSession, stale_after: timedelta) -> Sequence[tuple[Worker, bool]]:
    """Workers that are gone or without a fresh heartbeat, each with whether a beating one has its address."""
    other = aliased(Worker)
    beating = and_(other.state != "gone", *_fresh(other.heartbeat_at, stale_after))
    taken = exists().where(other.host == Worker.host, other.sip_port == Worker.sip_port, beating)
    gone = or_(Worker.state == "gone", _silent(stale_after))
    rows = await session.execute(select(Worker, taken).where(gone).order_by(Worker.id))
    return [(worker, is_taken) for worker, is_taken in rows]


async def bury(session: AsyncSession, worker_ids: Collection[str], stale_after: timedelta) -> None:
    """Mark those of the given workers that are still silent as gone."""
    statement = update(Worker).where(Worker.id.in_(worker_ids), _silent(stale_after))
    await session.execute(statement.values(state="gone"))


async def delete_gone(session: AsyncSession, older_than: timedelta) -> None:
    """Delete the rows of workers that have been gone that long."""
    await session.execute(delete(Worker).where(Worker.state == "gone", Worker.heartbeat_at < func.now() - older_than))


def _serving(stale_after: timedelta) -> ColumnElement[bool]:
    return and_(Worker.state == "ready", Worker.heartbeat_at > func.now() - stale_after)


def _silent(stale_after: timedelta) -> ColumnElement[bool]:
    return and_(Worker.state != "gone", not_(and_(*_fresh(Worker.heartbeat_at, stale_after))))


def _fresh(
    beat: InstrumentedAttribute[datetime], stale_after: timedelta
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """A heartbeat from the future is one from before the clock was set back."""
    return beat > func.now() - stale_after, beat <= func.now() + stale_after
