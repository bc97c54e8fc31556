"""Who can take a call: registering, beating, claiming capacity, and burying the dead."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.workers import repository
from oneinbox.features.workers.schemas import Candidate, Departed, Registration
from oneinbox.kit.db import notify

CHANNEL = "workers"
HEARTBEAT_SECONDS = 2.0
STALE_AFTER = timedelta(seconds=6)
FORGOTTEN_AFTER = timedelta(hours=1)
MOST_CANDIDATES = 3


async def register(session: AsyncSession, registration: Registration) -> None:
    """The worker takes calls from now on."""
    await repository.upsert(session, registration)


async def heartbeat(session: AsyncSession, worker_id: str) -> bool:
    """Still here. False when the worker has been buried meanwhile and must register anew."""
    return await repository.touch(session, worker_id) in ("ready", "draining")


async def drain(session: AsyncSession, worker_id: str) -> None:
    """No new calls for this worker; those it has go on."""
    await repository.set_state(session, worker_id, "draining")


async def gone(session: AsyncSession, worker_id: str) -> None:
    """The worker is no more; whoever reaps hears of it at once."""
    await repository.set_state(session, worker_id, "gone")
    await notify(session, CHANNEL, worker_id)


async def gone_with_process(session: AsyncSession, pid: int) -> None:
    """The process of that id has ended, on a machine that runs all workers: whoever was in it is no more."""
    for worker_id in await repository.of_process(session, pid):
        await gone(session, worker_id)


async def claim(session: AsyncSession, weight: int) -> tuple[Candidate, ...]:
    """Take `weight` units of the least loaded worker that has them free; empty when none has.

    The first candidate is the one that was claimed, the others are those who might step in for it. Workers stay locked
    until the transaction ends, so that parallel claims never overbook.
    """
    free = await repository.lock_free(session, weight, STALE_AFTER)
    if not free:
        return ()
    ranked = sorted(free, key=lambda worker: worker.live / worker.capacity)[:MOST_CANDIDATES]
    await repository.add_load(session, ranked[0].id, weight)
    return tuple(Candidate(worker.id, worker.host, worker.sip_port) for worker in ranked)


async def count_ready(session: AsyncSession) -> int:
    """How many workers take calls at this moment, with room or without."""
    return await repository.count_ready(session, STALE_AFTER)


async def move_claim(session: AsyncSession, from_worker: str | None, to_worker: str, weight: int) -> None:
    """Another worker took the call than the one it was claimed from."""
    await repository.lock(session, [one for one in (from_worker, to_worker) if one is not None])
    if from_worker is not None:
        await release(session, from_worker, weight)
    await repository.add_load(session, to_worker, weight)


async def release(session: AsyncSession, worker_id: str, weight: int) -> None:
    """A call of this weight has ended there."""
    await repository.add_load(session, worker_id, -weight)


async def clock(session: AsyncSession) -> datetime:
    """The clock that heartbeats are measured with: the database's own."""
    return await repository.clock(session)


async def departed(session: AsyncSession) -> Sequence[Departed]:
    """Workers that stopped beating or said goodbye, of the last hour."""
    gone = await repository.departed(session, STALE_AFTER)
    return [Departed(worker.id, worker.host, worker.sip_port, taken) for worker, taken in gone]


async def bury(session: AsyncSession, worker_ids: Collection[str]) -> None:
    """From now on they get nothing, unless they have beaten meanwhile; who has been gone for an hour is forgotten."""
    await repository.bury(session, worker_ids, STALE_AFTER)
    await repository.delete_gone(session, FORGOTTEN_AFTER)
