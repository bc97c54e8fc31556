"""Why was this call refused: every cause over a real PostgreSQL, told to the number's workspace and to nobody else."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from tests.app.deployment import (
    NOW,
    NUMBER,
    AgentRow,
    FixedClock,
    NumberRow,
    add_agent,
    add_number,
    facts,
)
from tests.conftest import DatabaseUrls
from typer.testing import CliRunner

from oneinbox.app.edge.admission import Admission
from oneinbox.app.edge.records import Records
from oneinbox.app.edge.spelling import distance, near
from oneinbox.cli import app
from oneinbox.contracts.admission import Attempt, Cause, InviteFacts, Login, Refused
from oneinbox.features.attempts import service
from oneinbox.features.attempts.schemas import AttemptResponse
from oneinbox.features.phone_numbers.models import PhoneNumber
from oneinbox.features.workspaces import service as workspaces
from oneinbox.kit.db import Database

STRANGER = "198.51.100.9"
TRUSTED = "192.0.2.1"


def admission(database: Database) -> Admission:
    return Admission(database, FixedClock(NOW), b"t" * 32, (ip_network(f"{TRUSTED}/32"),))


async def numbers(session: AsyncSession, *rows: NumberRow, workspace: str = "default") -> list[str]:
    agent_id = await add_agent(session, AgentRow(), workspace)
    return [await add_number(session, agent_id, row) for row in rows]


async def told(database: Database, phone_id: str, workspace: str = "default") -> Sequence[AttemptResponse]:
    async with database.transaction() as session:
        workspace_id = await workspaces.ensure(session, workspace)
        return (await service.of_number(session, workspace_id, phone_id, 20, 0)).items


async def call_in(database: Database, invite: InviteFacts, login: Login | None = None) -> None:
    """What the edge does about an INVITE that admission refuses."""
    one = admission(database)
    decision = await one.admit(invite, login)
    assert isinstance(decision, Refused), decision
    ladder = ("0 ms ← INVITE", f"9 ms → {decision.status}")
    await one.settle(
        Attempt(invite, decision.status, decision.cause, decision.reason, None, ladder, decision.unmatched)
    )


def refused(
    database: Database, invite: InviteFacts, *rows: NumberRow, then: Callable[[AsyncSession], Awaitable[object]]
) -> list[Sequence[AttemptResponse]]:
    """What each number's workspace is told after the call."""

    async def scene() -> list[Sequence[AttemptResponse]]:
        async with database.transaction() as session:
            ids = await numbers(session, *rows)
            await then(session)
        await call_in(database, invite)
        return [await told(database, phone_id) for phone_id in ids]

    return asyncio.run(scene())


async def no_more(session: AsyncSession) -> None:
    """Nothing else."""


async def agents_gone(session: AsyncSession) -> None:
    await session.execute(update(PhoneNumber).values(inbound_routing=None))
    gone = await add_agent(session, AgentRow(deleted=True))
    await session.execute(update(PhoneNumber).values(agent_id=gone))


ADMISSIONS: list[tuple[NumberRow, Callable[[AsyncSession], Awaitable[object]], InviteFacts, Cause, str | None]] = [
    (NumberRow(), no_more, facts(source=STRANGER), Cause.SOURCE_NOT_ALLOWED, STRANGER),
    (NumberRow(), no_more, facts("+15551234576"), Cause.NO_SUCH_NUMBER, "+15551234576"),
    (NumberRow(), agents_gone, facts(), Cause.NO_AGENT, None),
    (NumberRow(status="inactive"), no_more, facts(), Cause.PAUSED, None),
    (NumberRow(), no_more, facts(), Cause.UNAVAILABLE, None),
]
"""What admission refuses."""
THE_EDGES = [
    (401, Cause.WRONG_PASSWORD),
    (503, Cause.LIMIT),
    (503, Cause.OVERLOAD),
    (400, Cause.MALFORMED),
    (482, Cause.DUPLICATE),
    (488, Cause.MEDIA_REFUSED),
    (503, Cause.WORKER_GONE),
    (487, Cause.CANCELLED),
]
"""What the edge decides in the end."""


@pytest.mark.parametrize(("row", "then", "invite", "cause", "unmatched"), ADMISSIONS)
def test_the_owner_is_told_the_cause(
    database: Database,
    row: NumberRow,
    then: Callable[[AsyncSession], Awaitable[object]],
    invite: InviteFacts,
    cause: Cause,
    unmatched: str | None,
) -> None:
    ((attempt,),) = refused(database, invite, row, then=then)
    assert (attempt.cause, attempt.unmatched_value, attempt.dialled) == (cause, unmatched, invite.dialled)
    assert attempt.reason.endswith(".")
    assert attempt.source == f"{invite.source_host}:5060"
    assert attempt.ladder[0] == "0 ms ← INVITE"
    assert attempt.nearest_number == (NUMBER if cause is Cause.NO_SUCH_NUMBER else None)


@pytest.mark.parametrize(("status", "cause"), THE_EDGES)
def test_what_the_edge_decides_itself_reaches_the_number_too(database: Database, status: int, cause: Cause) -> None:
    async def scene() -> Sequence[AttemptResponse]:
        async with database.transaction() as session:
            (phone_id,) = await numbers(session, NumberRow())
        await admission(database).settle(Attempt(facts(), status, cause, "Because.", None, (), "what"))
        return await told(database, phone_id)

    (attempt,) = asyncio.run(scene())
    assert (attempt.status, attempt.cause, attempt.reason, attempt.unmatched_value) == (
        status,
        cause,
        "Because.",
        "what",
    )


def test_no_cause_is_left_out() -> None:
    tested = {cause for *_, cause, _ in ADMISSIONS} | {cause for _, cause in THE_EDGES}
    elsewhere = {Cause.ADMITTED, Cause.AMBIGUOUS_NUMBER, Cause.CHALLENGED}
    assert tested | elsewhere == set(Cause)
    assert not tested & elsewhere


def test_a_challenge_is_no_refusal(database: Database) -> None:
    async def scene() -> Sequence[AttemptResponse]:
        async with database.transaction() as session:
            (phone_id,) = await numbers(session, NumberRow(inbound_username="carrier"))
        await call_in(database, facts(source=STRANGER))
        return await told(database, phone_id)

    (attempt,) = asyncio.run(scene())
    assert (attempt.verdict, attempt.status, attempt.cause) == ("challenged", 401, "challenged")


def test_the_operator_is_told_of_numbers_that_nobody_owns(
    database: Database, database_urls: DatabaseUrls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        async with database.transaction() as session:
            await numbers(session, NumberRow())
        await call_in(database, facts("+15551234576"))
        await call_in(database, facts(source=STRANGER))

    asyncio.run(scene())
    monkeypatch.setenv("ONEINBOX_DATABASE_URL", database_urls.app)
    monkeypatch.setenv("ONEINBOX_DATA_DIR", str(tmp_path))
    said = CliRunner().invoke(app, ["attempts"]).output
    assert "no_such_number  +15550105678 at 203.0.113.7:5060 for +15551234576: +15551234576 is not registered" in said
    assert f"    {NUMBER} (nearest)" in said
    assert "source_not_allowed" not in said
    said = CliRunner().invoke(app, ["attempts", "--all", "--ladder"]).output
    assert "source_not_allowed" in said
    assert "9 ms → 404" in said


def test_an_ambiguous_number_is_shown_to_both(database: Database) -> None:
    us, uk = "+12079460000", "+442079460000"
    shown = refused(database, facts("2079460000"), NumberRow(us), NumberRow(uk), then=no_more)
    for (attempt,) in shown:
        assert (attempt.cause, attempt.candidates) == (Cause.AMBIGUOUS_NUMBER, [us, uk])


def test_of_an_ambiguous_number_each_workspace_sees_its_own_only(database: Database) -> None:
    async def scene() -> tuple[Sequence[AttemptResponse], Sequence[AttemptResponse], Sequence[service.Told]]:
        async with database.transaction() as session:
            (mine,) = await numbers(session, NumberRow("+12079460000"))
            (theirs,) = await numbers(session, NumberRow("+442079460000"), workspace="other")
        await call_in(database, facts("2079460000"))
        async with database.transaction() as session:
            operator = await service.newest(session, 20, unowned=True)
        return await told(database, mine), await told(database, theirs, "other"), operator

    (mine,), (theirs,), (operator,) = asyncio.run(scene())
    assert mine.candidates == ["+12079460000"]
    assert theirs.candidates == ["+442079460000"]
    assert operator.numbers == ["+12079460000 (candidate)", "+442079460000 (candidate)"]


def asked(database: Database, login: Login | None) -> tuple[AttemptResponse, AttemptResponse]:
    """What two workspaces are told of a call that may be for either, and whose caller is asked to prove himself."""

    async def scene() -> tuple[AttemptResponse, AttemptResponse]:
        async with database.transaction() as session:
            (mine,) = await numbers(session, NumberRow("+12079460000", sources=()))
            (theirs,) = await numbers(session, NumberRow("+442079460000", inbound_username="theirs"), workspace="other")
        await call_in(database, facts("2079460000", source=STRANGER), login)
        (one,), (other,) = await told(database, mine), await told(database, theirs, "other")
        return one, other

    return asyncio.run(scene())


@pytest.mark.parametrize(
    ("login", "cause"),
    [
        (None, Cause.CHALLENGED),
        (Login("me", "MD5", "n", "sip:2079460000@h", "1", "c", "r", "INVITE", True), Cause.WRONG_PASSWORD),
    ],
)
def test_whose_password_is_asked_for_no_other_workspace_can_read(
    database: Database, login: Login | None, cause: Cause
) -> None:
    for shown, foreign in zip(asked(database, login), ("+442079460000", "+12079460000"), strict=True):
        assert shown.cause == cause
        assert foreign not in shown.model_dump_json()


def test_a_reason_that_names_a_number_is_for_its_workspace(database: Database) -> None:
    async def scene() -> tuple[Sequence[AttemptResponse], Sequence[AttemptResponse]]:
        async with database.transaction() as session:
            (mine,) = await numbers(session, NumberRow("+12079460000"))
            (theirs,) = await numbers(session, NumberRow("+442079460000"), workspace="other")
        attempt = Attempt(facts("2079460000"), 480, Cause.PAUSED, "+442079460000 is inactive.", None, ())
        await admission(database).settle(attempt)
        return await told(database, mine), await told(database, theirs, "other")

    mine, (theirs,) = asyncio.run(scene())
    assert mine == []
    assert theirs.reason == "+442079460000 is inactive."


@pytest.mark.parametrize(
    ("dialled", "workspace", "known"),
    [
        ("+15551234576", "other", True),
        ("5551234576", "default", True),
        ("+15559999999", "default", True),
        ("+15559999999", "other", False),
        ("alice", "default", False),
    ],
)
def test_a_far_number_is_told_where_nobody_else_has_numbers(
    database: Database, dialled: str, workspace: str, known: bool
) -> None:
    async def scene() -> Sequence[AttemptResponse]:
        async with database.transaction() as session:
            (mine,) = await numbers(session, NumberRow())
            await numbers(session, NumberRow("+442079460000"), workspace=workspace)
        await call_in(database, facts(dialled))
        return await told(database, mine)

    shown = asyncio.run(scene())
    assert [one.nearest_number for one in shown] == ([NUMBER] if known else [])


def test_a_deleted_number_is_said_to_be_one(database: Database) -> None:
    async def scene() -> Sequence[service.Told]:
        async with database.transaction() as session:
            await numbers(session, NumberRow())
            await session.execute(update(PhoneNumber).values(deleted_at=NOW))
        await call_in(database, facts(source=TRUSTED))
        async with database.transaction() as session:
            return await service.newest(session, 20, unowned=True)

    (operator,) = asyncio.run(scene())
    assert operator.attempt.reason == f"{NUMBER} was deleted on 02 January 2030 at 03:04 UTC."


def test_an_attempt_that_is_written_twice_is_one(database: Database) -> None:
    async def scene() -> Sequence[AttemptResponse]:
        async with database.transaction() as session:
            (phone_id,) = await numbers(session, NumberRow())
        attempt = Attempt(facts(), 200, Cause.ADMITTED, "Answered.", None, (), id="one", at=NOW)
        for _ in range(2):
            await admission(database).settle(attempt)
        return await told(database, phone_id)

    (attempt,) = asyncio.run(scene())
    assert (attempt.id, attempt.at) == ("one", NOW)


def test_slips_of_a_finger() -> None:
    assert near("+15551234567") >= {"+15551234576", "+1555123456", "+155512345678", "+25551234567"}
    assert near("12") == near("alice") == frozenset()
    assert [distance("1234", other) for other in ("1234", "1243", "124", "", "9934")] == [0, 2, 1, 4, 2]


def waiting(count: int) -> list[Attempt]:
    return [Attempt(facts(str(number)), 404, Cause.NO_SUCH_NUMBER, "No.", None, ()) for number in range(count)]


async def written_by(records: Records) -> None:
    writer = asyncio.create_task(records.write())
    await records.close()
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)


def test_attempts_that_a_stop_leaves_over_are_written_at_the_next_start(tmp_path: Path) -> None:
    spool, written = tmp_path / "spool", list[Attempt]()

    async def away(attempt: Attempt) -> None:
        raise ConnectionRefusedError

    async def there(attempt: Attempt) -> None:
        written.append(attempt)

    async def scene() -> None:
        stopped = Records(away, FixedClock(NOW), spool)
        for attempt in waiting(3):
            stopped.add(attempt)
        await written_by(stopped)
        assert spool.stat().st_mode & 0o077 == 0
        await written_by(Records(there, FixedClock(), spool))

    asyncio.run(scene())
    assert [(one.facts.dialled, one.at) for one in written] == [("0", NOW), ("1", NOW), ("2", NOW)]
    assert not spool.exists()


def test_a_flood_of_attempts_is_summed_up() -> None:
    written = list[Attempt]()

    async def there(attempt: Attempt) -> None:
        written.append(attempt)

    async def scene() -> None:
        records = Records(there, FixedClock(), None)
        for attempt in waiting(12_000):
            records.add(attempt)
        records.add(replace(waiting(1)[0], call_id="a call's end must not be lost"))
        await written_by(records)

    asyncio.run(scene())
    assert len(written) == 10_002
    assert sum(one.count for one in written) == 12_001
    assert [one.count for one in written if one.count > 1] == [2_000]
