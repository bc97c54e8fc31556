"""The reaper on a real PostgreSQL: calls of lost workers end once, with two reapers as with one."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession
from tests.app.deployment import (
    NOW,
    AgentRow,
    FixedClock,
    add_agent,
    add_number,
    add_worker,
    facts,
    silence_worker,
    the_call,
    the_events,
    the_worker,
)

from oneinbox.app.edge.admission import Admission
from oneinbox.app.edge.reaper import ClockJumped, Reaper
from oneinbox.app.running import listen
from oneinbox.contracts.admission import Admitted
from oneinbox.contracts.events import CallAnswered, CallEnded, EndReason
from oneinbox.features.calls import service as calls
from oneinbox.features.calls.events import Fact
from oneinbox.features.calls.models import Call
from oneinbox.features.workers import service as workers
from oneinbox.features.workers.models import Worker
from oneinbox.kit.db import Database

GoneQueue = asyncio.Queue[tuple[str, int]]


def reaper(database: Database) -> tuple[Reaper, GoneQueue]:
    gone: GoneQueue = asyncio.Queue()
    return Reaper(database, FixedClock(NOW + timedelta(seconds=90)), gone), gone


async def a_call(database: Database, *, answered: bool = True) -> tuple[str, str]:
    """A call on a worker of its own: their ids."""
    async with database.transaction() as session:
        await add_number(session, await add_agent(session, AgentRow()))
        worker_id = await add_worker(session)
    decision = await Admission(database, FixedClock(), b"k" * 32, ()).admit(facts())
    assert isinstance(decision, Admitted)
    async with database.transaction() as session:
        await calls.start(session, decision.call_id, worker_id)
        if answered:
            await calls.append(session, decision.call_id, [Fact(0, NOW, CallAnswered())])
    return decision.call_id, worker_id


async def age(session: AsyncSession, call_id: str, seconds: float) -> None:
    older = Call.created_at - timedelta(seconds=seconds)
    await session.execute(update(Call).where(Call.id == call_id).values(created_at=older))


async def ended(database: Database, call_id: str) -> None:
    for _ in range(200):
        if (await the_call(database, call_id)).status == "failed":
            return
        await asyncio.sleep(0.05)


async def silence(database: Database, worker_id: str) -> None:
    async with database.transaction() as session:
        await silence_worker(session, worker_id)


def test_a_silent_workers_call_ends_once_and_every_edge_hears_of_it(database: Database) -> None:
    async def scene() -> tuple[Call, list[str], Worker, list[GoneQueue]]:
        call_id, worker_id = await a_call(database)
        await silence(database, worker_id)
        reapers = [reaper(database) for _ in range(2)]
        await asyncio.gather(*(one.sweep() for one, _ in reapers))
        await asyncio.gather(*(one.sweep() for one, _ in reapers))
        events = await the_events(database, call_id)
        return await the_call(database, call_id), events, await the_worker(database, worker_id), [q for _, q in reapers]

    call, events, worker, gone = asyncio.run(scene())
    assert events == ["answered", "ended"]
    assert (call.status, call.end_reason, call.duration_seconds) == ("failed", "worker_error", 90.0)
    assert (worker.state, worker.live) == ("gone", 0)
    assert [queue.qsize() for queue in gone] == [1, 1]
    assert gone[0].get_nowait() == ("127.0.0.1", 5100)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_worker_is_not_missed_because_the_clock_was_set(database: Database, hours: int) -> None:
    class Jumping(FixedClock):
        """Its steps are the database's, seen from the other side."""

        elapsed = 0.0

        def monotonic(self) -> float:
            return self.elapsed

    async def scene() -> tuple[Call, Call, int]:
        call_id, worker_id = await a_call(database)
        gone: GoneQueue = asyncio.Queue()
        clock = Jumping(NOW)
        one = Reaper(database, clock, gone)
        await one.sweep()
        async with database.transaction() as session:
            set_back = Worker.heartbeat_at - timedelta(hours=hours)
            await session.execute(update(Worker).where(Worker.id == worker_id).values(heartbeat_at=set_back))
        clock.elapsed -= hours * 3600
        with pytest.raises(ClockJumped):
            await one.sweep()
        kept = await the_call(database, call_id)
        await one.sweep()
        return kept, await the_call(database, call_id), gone.qsize()

    kept, missed, told = asyncio.run(scene())
    assert kept.status == "in_progress"
    assert (missed.status, missed.end_reason, told) == ("failed", "worker_error", 1)


def test_an_edge_that_comes_late_hears_of_a_worker_that_is_buried(database: Database) -> None:
    async def scene() -> int:
        _, worker_id = await a_call(database)
        await silence(database, worker_id)
        await reaper(database)[0].sweep()
        late, gone = reaper(database)
        await late.sweep()
        return gone.qsize()

    assert asyncio.run(scene()) == 1


def test_a_beating_worker_keeps_its_call(database: Database) -> None:
    async def scene() -> tuple[Call, int]:
        call_id, _ = await a_call(database)
        one, gone = reaper(database)
        await one.sweep()
        return await the_call(database, call_id), gone.qsize()

    call, told = asyncio.run(scene())
    assert (call.status, told) == ("in_progress", 0)


def test_the_edge_is_not_told_of_an_address_that_another_worker_has_now(database: Database) -> None:
    async def scene() -> tuple[Call, int]:
        call_id, worker_id = await a_call(database)
        await silence(database, worker_id)
        async with database.transaction() as session:
            await add_worker(session)
        one, gone = reaper(database)
        await one.sweep()
        return await the_call(database, call_id), gone.qsize()

    call, told = asyncio.run(scene())
    assert (call.status, told) == ("failed", 0), "a BYE would have gone to the new worker's callers"


def test_a_worker_that_leaves_is_noticed_at_once(database: Database) -> None:
    async def scene() -> tuple[str, list[str]]:
        call_id, worker_id = await a_call(database)
        one, gone = reaper(database)
        heard = asyncio.Event()

        def woken(payload: str) -> None:
            heard.set()
            one.wake()

        async def is_listening() -> None:
            while not heard.is_set():
                async with database.transaction() as session:
                    await workers.gone(session, worker_id)
                await asyncio.sleep(0.05)

        tasks = [asyncio.create_task(work) for work in (one.run(), listen(database, workers.CHANNEL, woken))]
        try:
            await asyncio.wait_for(is_listening(), 10)
            await asyncio.wait_for(gone.get(), 10)
            await asyncio.wait_for(ended(database, call_id), 10)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return (await the_call(database, call_id)).end_reason or "", await the_events(database, call_id)

    reason, events = asyncio.run(scene())
    assert (reason, events) == ("worker_error", ["answered", "ended"])


def test_a_call_that_is_offered_to_the_next_worker_is_left_to_it(database: Database) -> None:
    async def scene() -> tuple[str, str]:
        call_id, worker_id = await a_call(database, answered=False)
        await silence(database, worker_id)
        one, _ = reaper(database)
        await one.sweep()
        fresh = (await the_call(database, call_id)).status
        async with database.transaction() as session:
            await age(session, call_id, 5)
        await one.sweep()
        return fresh, (await the_call(database, call_id)).status

    assert asyncio.run(scene()) == ("initiated", "failed")


def test_a_call_that_nobody_answers_ends_on_a_living_worker_too(database: Database) -> None:
    async def scene() -> tuple[Call, int]:
        call_id, worker_id = await a_call(database, answered=False)
        async with database.transaction() as session:
            await age(session, call_id, 31)
        await reaper(database)[0].sweep()
        return await the_call(database, call_id), (await the_worker(database, worker_id)).live

    call, live = asyncio.run(scene())
    assert (call.status, call.end_reason, live) == ("failed", "worker_error", 0)


def test_what_a_worker_says_after_its_burial_changes_nothing(database: Database) -> None:
    async def scene() -> tuple[bool, list[str], str]:
        call_id, worker_id = await a_call(database)
        await silence(database, worker_id)
        await reaper(database)[0].sweep()
        ended = CallEnded(at_ms=5, reason=EndReason.CALLER_HANGUP)
        async with database.transaction() as session:
            written = await calls.append(session, call_id, [Fact(1, NOW, ended)])
            back = await workers.heartbeat(session, worker_id)
        assert not back, "a buried worker must register anew"
        return written, await the_events(database, call_id), (await the_call(database, call_id)).end_reason or ""

    assert asyncio.run(scene()) == (False, ["answered", "ended"], "worker_error")


def test_a_database_that_hangs_proves_nothing_against_a_worker(database: Database) -> None:
    async def scene() -> str:
        call_id, worker_id = await a_call(database)
        await silence(database, worker_id)
        async with database.transaction() as session:
            await session.execute(text("LOCK TABLE workers IN ACCESS EXCLUSIVE MODE"))
            with pytest.raises(TimeoutError):
                await reaper(database)[0].sweep()
        return (await the_call(database, call_id)).status

    assert asyncio.run(scene()) == "in_progress"
