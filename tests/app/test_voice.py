"""The rooms of a voice worker on a real PostgreSQL: its desk, its rounds, its presence, its leftovers, its speech."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.app.deployment import (
    NOW,
    NUMBER,
    AgentRow,
    FixedClock,
    NumberRow,
    add_agent,
    add_number,
    add_worker,
    facts,
    silence_worker,
    the_call,
    the_events,
    the_worker,
)

from oneinbox.adapters.media.scripted import ScriptedLeg
from oneinbox.app.edge.admission import Admission
from oneinbox.app.tickets import TicketBooth
from oneinbox.app.voice.desk import Converse, Desk
from oneinbox.app.voice.leftovers import remove_once
from oneinbox.app.voice.presence import Presence
from oneinbox.app.voice.rounds import Rounds
from oneinbox.contracts.admission import Admitted
from oneinbox.contracts.events import CallAnswered, CallEnded, CallEvent, EndReason, Said
from oneinbox.contracts.media import TICKET_HEADER, CallLeg
from oneinbox.contracts.plan import CallPlan
from oneinbox.contracts.speech import Recorder
from oneinbox.features.calls import service as calls
from oneinbox.features.calls.events import Fact
from oneinbox.features.calls.models import Call
from oneinbox.features.workers import service as workers
from oneinbox.features.workers.schemas import Registration
from oneinbox.kit.clock import SystemClock
from oneinbox.kit.db import Database

KEY = b"t" * 32
Emit = Callable[[CallEvent], None]


async def admitted(database: Database, weight_of: AgentRow | None = None) -> Admitted:
    """A call that waits for its worker."""
    async with database.transaction() as session:
        await add_worker(session)
        await add_number(session, await add_agent(session, weight_of or AgentRow()), NumberRow())
    decision = await Admission(database, SystemClock(), KEY, ()).admit(facts())
    assert isinstance(decision, Admitted)
    return decision


def desk_of(decision: Admitted, database: Database, converse: Converse) -> Desk:
    worker_id = decision.routes[0].worker_id
    booth = TicketBooth(KEY, worker_id)
    return Desk(worker_id, database, SystemClock(), booth, converse, lambda plan, leg: None)


async def chat(plan: CallPlan, leg: CallLeg, recorder: Recorder | None, emit: Emit, stop: asyncio.Event) -> None:
    """Two turns, with time enough for more than one batch, until someone asks to stop."""
    assert plan.to_number == NUMBER
    await leg.answer()
    emit(CallAnswered())
    emit(Said(at_ms=100, end_ms=900, role="agent", text="Hello."))
    await stop.wait()
    emit(Said(at_ms=1000, end_ms=1900, role="user", text="Hi."))
    emit(CallEnded(at_ms=2000, reason=EndReason.API_STOP))


async def breaking(plan: CallPlan, leg: CallLeg, recorder: Recorder | None, emit: Emit, stop: asyncio.Event) -> None:
    await leg.answer()
    emit(CallAnswered())
    raise RuntimeError("broken")


async def never(plan: CallPlan, leg: CallLeg, recorder: Recorder | None, emit: Emit, stop: asyncio.Event) -> None:
    raise AssertionError("This call should not have been taken.")


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(200):
        if await holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("It never came to that.")


def test_a_call_is_carried_from_its_ticket_to_its_terminal_event(database: Database) -> None:
    async def scene() -> tuple[list[str], Call, Call, list[str], int, ScriptedLeg]:
        decision = await admitted(database)
        desk, leg = desk_of(decision, database, chat), ScriptedLeg(headers=decision.routes[0].headers)
        taking = asyncio.create_task(desk.take(leg))
        await until(lambda: said_hello(decision.call_id))
        during = await the_call(database, decision.call_id)
        assert list(desk.carried) == [decision.call_id]
        assert not await desk.empty(0.01)
        desk.stop(decision.call_id)
        await asyncio.wait_for(taking, 10)
        assert await desk.empty(0.01)
        live = (await the_worker(database, desk.worker_id)).live
        events = await the_events(database, decision.call_id)
        return leg.log, during, await the_call(database, decision.call_id), events, live, leg

    async def said_hello(call_id: str) -> bool:
        return "said" in await the_events(database, call_id)

    log, during, call, events, live, _ = asyncio.run(scene())
    assert log[0] == "answer"
    assert during.status == "in_progress", "what happens on a call is in the record while it happens"
    assert events == ["answered", "said", "said", "ended"]
    assert (call.status, call.end_reason, call.duration_seconds, live) == ("completed", "api_stop", 2.0, 0)
    assert [message["content"] for message in call.messages] == ["Hello.", "Hi."]


def test_a_conversation_that_breaks_ends_its_call_and_hangs_up(database: Database) -> None:
    async def scene() -> tuple[ScriptedLeg, Call, int]:
        decision = await admitted(database)
        leg = ScriptedLeg(headers=decision.routes[0].headers)
        await desk_of(decision, database, breaking).take(leg)
        live = (await the_worker(database, decision.routes[0].worker_id)).live
        return leg, await the_call(database, decision.call_id), live

    leg, call, live = asyncio.run(scene())
    assert leg.log == ["answer", "hang_up"]
    assert (call.status, call.end_reason, live) == ("failed", "worker_error", 0)


@pytest.mark.parametrize("ticket", ["", "1.ff", "another's"])
def test_without_a_good_ticket_nobody_is_talked_to(database: Database, ticket: str) -> None:
    async def scene() -> tuple[ScriptedLeg, Call]:
        decision = await admitted(database)
        headers = dict(decision.routes[0].headers) | {TICKET_HEADER: ticket}
        leg = ScriptedLeg(headers=headers)
        await desk_of(decision, database, never).take(leg)
        return leg, await the_call(database, decision.call_id)

    leg, call = asyncio.run(scene())
    assert (leg.log, call.status) == (["reject"], "initiated")


def test_a_call_that_has_ended_meanwhile_is_not_taken(database: Database) -> None:
    async def scene() -> ScriptedLeg:
        decision = await admitted(database)
        async with database.transaction() as session:
            await calls.end(session, decision.call_id, EndReason.CANCELLED, "The caller hung up.", NOW)
        leg = ScriptedLeg(headers=decision.routes[0].headers)
        await desk_of(decision, database, never).take(leg)
        return leg

    assert asyncio.run(scene()).log == ["reject"]


def test_a_worker_that_steps_in_takes_the_claim_over(database: Database) -> None:
    async def scene() -> tuple[int, int, Call, str]:
        decision = await admitted(database)
        first = decision.routes[0].worker_id
        async with database.transaction() as session:
            other = await add_worker(session, port=5101)
            await calls.start(session, decision.call_id, other)
        loads = [(await the_worker(database, worker_id)).live for worker_id in (first, other)]
        return loads[0], loads[1], await the_call(database, decision.call_id), other

    before, after, call, other = asyncio.run(scene())
    assert (before, after, call.worker_id) == (0, 1, other)


def test_what_was_ended_elsewhere_is_hung_up(database: Database) -> None:
    async def scene() -> tuple[ScriptedLeg, Call, list[str]]:
        decision = await admitted(database)
        desk, leg = desk_of(decision, database, goes_on), ScriptedLeg(headers=decision.routes[0].headers)
        taking = asyncio.create_task(desk.take(leg))
        await until(lambda: answered(decision.call_id))
        async with database.transaction() as session:
            await calls.end(session, decision.call_id, EndReason.WORKER_ERROR, "Gone.", SystemClock().now())
        await asyncio.wait_for(taking, 10)
        return leg, await the_call(database, decision.call_id), await the_events(database, decision.call_id)

    async def answered(call_id: str) -> bool:
        return (await the_call(database, call_id)).status == "in_progress"

    async def goes_on(plan: CallPlan, leg: CallLeg, recorder: Recorder | None, emit: Emit, stop: asyncio.Event) -> None:
        await leg.answer()
        emit(CallAnswered())
        at_ms = 0
        while not stop.is_set():
            at_ms += 100
            emit(Said(at_ms=at_ms, end_ms=at_ms + 50, role="agent", text="Hm."))
            await asyncio.wait([asyncio.create_task(stop.wait())], timeout=0.1)
        emit(CallEnded(at_ms=at_ms, reason=EndReason.API_STOP))

    leg, call, events = asyncio.run(scene())
    assert leg.log == ["answer", "hang_up"]
    assert call.end_reason == "worker_error"
    assert events.count("ended") == 1


def test_a_call_left_open_in_the_record_is_closed_and_a_carried_one_is_not(database: Database) -> None:
    async def scene() -> tuple[str, str]:
        decision = await admitted(database)
        desk = desk_of(decision, database, chat)
        rounds = Rounds(database, SystemClock(), desk)
        taking = asyncio.create_task(desk.take(ScriptedLeg(headers=decision.routes[0].headers)))
        await until(lambda: answered(decision.call_id))
        await rounds.go()
        carried = (await the_call(database, decision.call_id)).status
        taking.cancel()
        await asyncio.wait([taking])
        await reopen(decision.call_id)
        await rounds.go()
        return carried, (await the_call(database, decision.call_id)).status

    async def answered(call_id: str) -> bool:
        return (await the_call(database, call_id)).status == "in_progress"

    async def reopen(call_id: str) -> None:
        """As if the worker's last words had never reached the database."""
        async with database.transaction() as session:
            call = await session.get_one(Call, call_id)
            call.status = "in_progress"

    assert asyncio.run(scene()) == ("in_progress", "failed")


def test_a_request_to_stop_is_found_without_a_notification(database: Database) -> None:
    async def scene() -> Call:
        decision = await admitted(database)
        desk = desk_of(decision, database, chat)
        taking = asyncio.create_task(desk.take(ScriptedLeg(headers=decision.routes[0].headers)))
        await until(lambda: answered(decision.call_id))
        async with database.transaction() as session:
            await session.execute(update(Call).values(stop_requested_at=NOW))
        await Rounds(database, SystemClock(), desk).go()
        await asyncio.wait_for(taking, 10)
        return await the_call(database, decision.call_id)

    async def answered(call_id: str) -> bool:
        return (await the_call(database, call_id)).status == "in_progress"

    assert asyncio.run(scene()).end_reason == "api_stop"


def test_a_buried_worker_stands_up_again_and_stays_what_it_was(database: Database) -> None:
    async def scene() -> list[str]:
        presence = Presence(database, Registration("worker", "127.0.0.1", 5100, 10, 1))
        await presence.register()
        states = [await after_burial(presence)]
        await presence.drain()
        states.append(await after_burial(presence))
        await presence.leave()
        return [*states, (await the_worker(database, "worker")).state]

    async def after_burial(presence: Presence) -> str:
        async with database.transaction() as session:
            await silence_worker(session, "worker")
            await workers.bury(session, ["worker"])
        beating = asyncio.create_task(presence.beat())
        await until(stands)
        beating.cancel()
        await asyncio.wait([beating])
        return (await the_worker(database, "worker")).state

    async def stands() -> bool:
        return (await the_worker(database, "worker")).state != "gone"

    assert asyncio.run(scene()) == ["ready", "draining", "gone"]


def test_only_recordings_of_calls_that_are_over_are_removed(database: Database, tmp_path: Path) -> None:
    async def scene() -> tuple[int, set[str]]:
        decision = await admitted(database)
        folder = tmp_path / "workspace"
        folder.mkdir()
        for name in (f"{decision.call_id}.ogg.part", "dead.ogg.part", "done.ogg"):
            (folder / name).write_bytes(b"x")
        removed = await remove_once(database, tmp_path)
        left = {path.name.replace(decision.call_id, "live") for path in folder.iterdir()}
        async with database.transaction() as session:
            await calls.append(session, decision.call_id, [Fact(0, NOW, CallEnded(0, EndReason.CANCELLED))])
        assert await remove_once(database, tmp_path) == 1
        return removed, left

    assert asyncio.run(scene()) == (1, {"done.ogg", "live.ogg.part"})


def test_the_clock_of_admission_is_the_one_it_is_given(database: Database) -> None:
    async def scene() -> str:
        async with database.transaction() as session:
            await add_worker(session)
            await add_number(session, await add_agent(session, AgentRow(prompt="It is {{now}}.")))
        decision = await Admission(database, FixedClock(NOW), KEY, ()).admit(facts())
        assert isinstance(decision, Admitted)
        plan = (await the_call(database, decision.call_id)).plan
        return str(plan["agents"])

    assert "It is Wednesday, 2 January 2030, 03:04 UTC." in asyncio.run(scene())
