"""Admission on a real PostgreSQL: every cause with its SIP status, what an admitted call is, and parallel claims."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest
from pydantic import TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from tests.app.deployment import (
    CARRIER,
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
    the_attempts,
    the_call,
    the_worker,
)

from oneinbox.app.edge.admission import Admission
from oneinbox.app.edge.limits import Most
from oneinbox.app.tickets import TicketBooth
from oneinbox.contracts.admission import Admitted, Attempt, Cause, Decision, InviteFacts, Refused
from oneinbox.contracts.media import CALL_ID_HEADER, TICKET_HEADER
from oneinbox.contracts.plan import CallPlan
from oneinbox.features.attempts.models import AttemptRow
from oneinbox.features.calls.models import Call
from oneinbox.features.workers import service as workers
from oneinbox.kit.db import Database

KEY = b"t" * 32
STRANGER = "198.51.100.9"
TRUSTED = "192.0.2.1"
_PLAN: TypeAdapter[CallPlan] = TypeAdapter(CallPlan)


def admission(database: Database) -> Admission:
    return Admission(database, FixedClock(NOW), KEY, (ip_network(f"{TRUSTED}/32"),))


Setting = Callable[[AsyncSession], Awaitable[object]]


async def nothing(session: AsyncSession) -> None:
    """An empty deployment."""


async def a_line(session: AsyncSession, agent: AgentRow | None = None, number: NumberRow | None = None) -> str:
    """A worker, an agent, a number; the agent's id."""
    await add_worker(session)
    agent_id = await add_agent(session, agent or AgentRow())
    await add_number(session, agent_id, number)
    return agent_id


def with_number(**special: object) -> Setting:
    return lambda session: a_line(session, number=replace(NumberRow(), **special))  # type: ignore[arg-type]


def with_agent(**special: object) -> Setting:
    return lambda session: a_line(session, agent=replace(AgentRow(), **special))  # type: ignore[arg-type]


async def without_worker(session: AsyncSession) -> None:
    await add_number(session, await add_agent(session, AgentRow()))


async def with_full_worker(session: AsyncSession) -> None:
    await without_worker(session)
    await add_worker(session, capacity=7)
    await add_number(session, await add_agent(session, AgentRow(provider="builtin")), NumberRow("+15550000001"))


async def with_silent_worker(session: AsyncSession) -> None:
    await without_worker(session)
    await silence_worker(session, await add_worker(session))


async def with_draining_worker(session: AsyncSession) -> None:
    await without_worker(session)
    await workers.drain(session, await add_worker(session))


async def with_twins(session: AsyncSession) -> None:
    """A US and a UK number that the same national form may mean."""
    agent_id = await a_line(session, number=NumberRow("+12079460000"))
    await add_number(session, agent_id, NumberRow("+442079460000"))


def decide(database: Database, setting: Setting, invite: InviteFacts) -> Decision:
    async def scene() -> Decision:
        async with database.transaction() as session:
            await setting(session)
        return await admission(database).admit(invite)

    return asyncio.run(scene())


@pytest.mark.parametrize(
    ("setting", "invite", "status", "cause"),
    [
        (nothing, facts(), 403, Cause.SOURCE_NOT_ALLOWED),
        (a_line, facts(source=STRANGER), 403, Cause.SOURCE_NOT_ALLOWED),
        (a_line, facts("+15559999999", source=STRANGER), 403, Cause.SOURCE_NOT_ALLOWED),
        (a_line, facts("alice", source=STRANGER), 403, Cause.SOURCE_NOT_ALLOWED),
        (with_number(sources=()), facts(), 403, Cause.SOURCE_NOT_ALLOWED),
        (a_line, facts("+15559999999"), 404, Cause.NO_SUCH_NUMBER),
        (a_line, facts("alice"), 404, Cause.NO_SUCH_NUMBER),
        (nothing, facts(source=TRUSTED), 404, Cause.NO_SUCH_NUMBER),
        (with_number(sources=("0.0.0.0/0",)), facts("+15559999999", source=STRANGER), 403, Cause.SOURCE_NOT_ALLOWED),
        (with_twins, facts("2079460000"), 404, Cause.AMBIGUOUS_NUMBER),
        (with_number(inbound_username="carrier"), facts(), 401, Cause.CHALLENGED),
        (with_number(inbound_username="carrier"), facts(source=STRANGER), 401, Cause.CHALLENGED),
        (with_number(inbound_username="carrier"), facts("alice", source=STRANGER), 401, Cause.SOURCE_NOT_ALLOWED),
        (with_number(inbound_username="carrier"), facts("alice"), 404, Cause.NO_SUCH_NUMBER),
        (with_number(status="inactive"), facts(), 480, Cause.PAUSED),
        (with_number(status="provisioning"), facts(), 480, Cause.PAUSED),
        (with_number(status="failed"), facts(), 480, Cause.PAUSED),
        (with_agent(status="paused"), facts(), 480, Cause.PAUSED),
        (with_agent(deleted=True), facts(), 480, Cause.NO_AGENT),
        (without_worker, facts(), 503, Cause.UNAVAILABLE),
        (with_full_worker, facts("+15550000001"), 503, Cause.OVERLOAD),
        (with_silent_worker, facts(), 503, Cause.UNAVAILABLE),
        (with_draining_worker, facts(), 503, Cause.UNAVAILABLE),
    ],
)
def test_a_refusal_has_its_status_and_cause(
    database: Database, setting: Setting, invite: InviteFacts, status: int, cause: Cause
) -> None:
    decision = decide(database, setting, invite)
    assert isinstance(decision, Refused)
    assert (decision.status, decision.cause) == (status, cause)
    assert decision.reason.endswith(".")
    assert (decision.retry_after is not None) == (status == 503)


@pytest.mark.parametrize(
    ("setting", "invite"),
    [
        (a_line, facts()),
        (a_line, facts("15551234567")),
        (a_line, facts("5551234567")),
        (a_line, facts(source=TRUSTED)),
        (a_line, facts(caller=None)),
        (with_number(status="degraded"), facts()),
        (with_number(sources=("203.0.113.7/24",)), facts()),
        (with_number(sources=("0.0.0.0/0",)), facts(source=STRANGER)),
        (with_agent(deleted=True), facts("15550000002")),
        (with_full_worker, facts()),
    ],
)
def test_a_call_is_admitted_under_its_canonical_number(
    database: Database, setting: Setting, invite: InviteFacts
) -> None:
    async def scene() -> tuple[Decision, Call]:
        async with database.transaction() as session:
            await setting(session)
            await add_number(session, await add_agent(session, AgentRow()), NumberRow("+15550000002"))
        decision = await admission(database).admit(invite)
        assert isinstance(decision, Admitted), decision
        return decision, await the_call(database, decision.call_id)

    decision, call = asyncio.run(scene())
    assert isinstance(decision, Admitted)
    expected = NUMBER if "1234567" in invite.dialled else "+15550000002"
    assert (decision.number, call.to_number, call.from_number) == (expected, expected, invite.caller)
    assert (call.status, call.direction, call.worker_id) == ("initiated", "inbound", decision.routes[0].worker_id)
    headers = decision.routes[0].headers
    assert headers[CALL_ID_HEADER] == call.id
    assert TicketBooth(KEY, decision.routes[0].worker_id).admit(headers[TICKET_HEADER], call.id, NOW)


def test_of_two_twins_the_one_whose_sources_admit_the_sender_is_called(database: Database) -> None:
    async def setting(session: AsyncSession) -> None:
        agent_id = await a_line(session, number=NumberRow("+12079460000"))
        await add_number(session, agent_id, NumberRow("+442079460000", sources=("198.51.100.0/24",)))

    decision = decide(database, setting, facts("2079460000"))
    assert isinstance(decision, Admitted)
    assert decision.number == "+12079460000"


def test_a_deleted_agent_leaves_its_calls_to_the_fallback_and_then_to_voicemail(database: Database) -> None:
    async def scene() -> list[Call]:
        async with database.transaction() as session:
            await add_worker(session)
            gone = await add_agent(session, AgentRow(deleted=True))
            spare = await add_agent(session, AgentRow())
            await add_number(session, gone, NumberRow(fallback_agent_id=spare, voicemail_message="Leave a message."))
            await add_number(session, gone, NumberRow("+15550000003", voicemail_message="Beep."))
        one = admission(database)
        return [await called(database, one, number) for number in (NUMBER, "+15550000003")]

    served, recorded = asyncio.run(scene())
    plan = _PLAN.validate_python(served.plan)
    assert [agent.agent_id for agent in plan.agents] == [served.agent_id]
    assert (plan.voicemail and plan.voicemail.message, served.weight) == ("Leave a message.", 1)
    assert served.call_metadata["routing_note"].endswith("has been deleted.")  # type: ignore[attr-defined]
    plan = _PLAN.validate_python(recorded.plan)
    assert (plan.agents, plan.voicemail and plan.voicemail.message) == ((), "Beep.")
    assert recorded.weight == 8, "the caller's message is transcribed here"


async def called(database: Database, one: Admission, number: str) -> Call:
    decision = await one.admit(facts(number))
    assert isinstance(decision, Admitted)
    return await the_call(database, decision.call_id)


def test_parallel_admissions_never_overbook(database: Database) -> None:
    async def scene() -> tuple[Counter[str], list[int], int]:
        async with database.transaction() as session:
            await add_number(session, await add_agent(session, AgentRow()))
            ids = [await add_worker(session, capacity=25, port=5100 + number) for number in range(2)]
        one = admission(database)
        decisions = await asyncio.gather(*(one.admit(facts()) for _ in range(100)))
        loads = [(await the_worker(database, worker_id)).live for worker_id in ids]
        async with database.transaction() as session:
            rows = await session.scalar(select(func.count()).select_from(Call))
        causes = Counter(one.cause.value if isinstance(one, Refused) else "admitted" for one in decisions)
        return causes, loads, rows or 0

    causes, loads, rows = asyncio.run(scene())
    assert causes == {"admitted": 50, "overload": 50}
    assert loads == [25, 25]
    assert rows == 50


def limited(database: Database, most: Most, *numbers: str) -> list[Decision]:
    """Decisions about INVITEs that come all at once; two numbers of one workspace."""

    async def scene() -> list[Decision]:
        async with database.transaction() as session:
            await add_worker(session, capacity=100)
            agent_id = await add_agent(session, AgentRow())
            for number in sorted(set(numbers)):
                await add_number(session, agent_id, NumberRow(number))
        one = Admission(database, FixedClock(NOW), KEY, (), most=most)
        return list(await asyncio.gather(*(one.admit(facts(number)) for number in numbers)))

    return asyncio.run(scene())


@pytest.mark.parametrize(
    ("most", "numbers", "admitted"),
    [
        (Most(of_number=3), [NUMBER] * 20, 3),
        (Most(of_number=3), [NUMBER, "+15550000004"] * 10, 6),
        (Most(of_workspace=5), [NUMBER, "+15550000004"] * 10, 5),
        (Most(a_second=4), [NUMBER] * 20, 8),
        (Most(a_second=4), [NUMBER, "+15550000004"] * 10, 8),
    ],
)
def test_limits_hold_when_calls_come_at_once(database: Database, most: Most, numbers: list[str], admitted: int) -> None:
    decisions = limited(database, most, *numbers)
    refused = [one for one in decisions if isinstance(one, Refused)]
    assert len(decisions) - len(refused) == admitted
    assert {(one.status, one.cause, one.retry_after) for one in refused} == {(503, Cause.LIMIT, 5)}


def test_a_call_that_nobody_answered_ends_with_its_attempt_and_frees_its_worker(database: Database) -> None:
    async def scene() -> tuple[Call, int, list[AttemptRow]]:
        async with database.transaction() as session:
            await a_line(session)
        one, invite = admission(database), facts()
        decision = await one.admit(invite)
        assert isinstance(decision, Admitted)
        ladder = ("0 ms ← INVITE",)
        await one.settle(Attempt(invite, 487, Cause.CANCELLED, "The caller hung up.", decision.call_id, ladder))
        load = (await the_worker(database, decision.routes[0].worker_id)).live
        return await the_call(database, decision.call_id), load, await the_attempts(database)

    call, load, (row,) = asyncio.run(scene())
    assert (call.status, call.end_reason, load) == ("failed", "cancelled", 0)
    assert (row.status, row.cause, row.verdict, row.call_id) == (487, "cancelled", "refused", call.id)
    assert (row.number, row.workspace_id, row.source) == (NUMBER, call.workspace_id, f"{CARRIER}:5060")
    assert row.ladder == ["0 ms ← INVITE"]


def test_the_attempt_of_an_answered_call_leaves_the_call_alone(database: Database) -> None:
    async def scene() -> tuple[Call, list[AttemptRow]]:
        async with database.transaction() as session:
            await a_line(session)
        one, invite = admission(database), facts()
        decision = await one.admit(invite)
        assert isinstance(decision, Admitted)
        await one.settle(Attempt(invite, 200, Cause.ADMITTED, "Answered.", decision.call_id, ()))
        return await the_call(database, decision.call_id), await the_attempts(database)

    call, (row,) = asyncio.run(scene())
    assert (call.status, row.verdict, row.call_id) == ("initiated", "admitted", call.id)


def test_a_strangers_attempt_names_the_number_that_it_was_for(database: Database) -> None:
    async def scene() -> list[AttemptRow]:
        async with database.transaction() as session:
            await a_line(session)
        one, invite = admission(database), facts(source=STRANGER)
        decision = await one.admit(invite)
        assert isinstance(decision, Refused)
        await one.settle(Attempt(invite, decision.status, decision.cause, decision.reason, None, ()))
        return await the_attempts(database)

    (row,) = asyncio.run(scene())
    assert (row.status, row.cause) == (403, "source_not_allowed")
    assert row.number == NUMBER
