"""Old attempts go, on a real PostgreSQL: strangers' first, in batches, with what ties them to numbers."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from tests.app.deployment import NOW, NUMBER, AgentRow, FixedClock, add_agent, add_number, facts, the_attempts

from oneinbox.app.edge.admission import EXPLAINED_PER_SECOND, Admission
from oneinbox.app.jobs import retention
from oneinbox.contracts.admission import Attempt, Cause
from oneinbox.features.attempts import service
from oneinbox.features.attempts.models import AttemptNumber, AttemptRow
from oneinbox.features.attempts.schemas import Reached, Related, Tie
from oneinbox.kit.db import Database
from oneinbox.kit.ids import first_id, new_id

REACHED = Reached(NUMBER, "phone-1", "workspace-1")


async def add(session: AsyncSession, days: float, reached: Reached | None, tie: Tie | None = None) -> str:
    """An attempt that is as old as that."""
    at = NOW - timedelta(days=days)
    one = Attempt(facts(), 404, Cause.NO_SUCH_NUMBER, "No.", None, (), id=first_id(at) + new_id()[13:], at=at)
    related = (Related(REACHED, tie),) if tie else ()
    return await service.record(session, one, reached, related)


@pytest.mark.parametrize(
    ("kept", "left"),
    [
        (30, {"stranger 29", "nearest 29", "called 31", "called 179"}),
        (1, {"called 31", "called 179"}),
        (365, {"stranger 29", "stranger 31", "nearest 29", "nearest 31", "called 31", "called 179", "called 181"}),
    ],
)
def test_what_is_old_is_deleted(database: Database, kept: int, left: set[str]) -> None:
    async def scene() -> tuple[set[str], set[str]]:
        names = {}
        async with database.transaction() as session:
            for days in (29, 31, 400):
                names[await add(session, days, None)] = f"stranger {days}"
                names[await add(session, days, None, Tie.NEAREST)] = f"nearest {days}"
            for days in (31, 179, 181, 400):
                names[await add(session, days, REACHED)] = f"called {days}"
        await retention.sweep(database, FixedClock(NOW), timedelta(days=kept))
        async with database.transaction() as session:
            rows = {names[row] for row in await session.scalars(select(AttemptRow.id))}
            ties = {names[row] for row in await session.scalars(select(AttemptNumber.attempt_id))}
        return rows, ties

    rows, ties = asyncio.run(scene())
    assert rows == left
    assert ties == {one for one in left if not one.startswith("stranger")}


def test_many_go_in_batches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0.0)

    async def scene() -> tuple[int, int]:
        async with database.transaction() as session:
            for _ in range(35):
                await add(session, 31, None)
            first = await service.forget(session, NOW, 10, unowned=True)
        return first, await retention.sweep(database, FixedClock(NOW), timedelta(days=30))

    assert asyncio.run(scene()) == (10, 25)


def test_ids_are_told_apart_by_their_moment() -> None:
    made = new_id()
    now = datetime.fromtimestamp(int(made.replace("-", "")[:12], 16) / 1000).astimezone()
    assert first_id(now) <= made < first_id(now + timedelta(milliseconds=2))


def test_of_a_flood_of_strangers_few_are_explained(database: Database) -> None:
    """A number's owner sees the first; the rest is on record, and costs no look at the numbers."""

    async def scene() -> tuple[int, int]:
        async with database.transaction() as session:
            phone_id = await add_number(session, await add_agent(session, AgentRow()))
        one = Admission(database, FixedClock(NOW), b"t" * 32, ())
        for _ in range(60):
            await one.settle(Attempt(facts(source="198.51.100.9"), 403, Cause.SOURCE_NOT_ALLOWED, "No.", None, ()))
        await one.settle(Attempt(facts(), 480, Cause.PAUSED, "Paused.", None, ()))
        rows = await the_attempts(database)
        return len(rows), len([row for row in rows if row.phone_id == phone_id])

    assert asyncio.run(scene()) == (61, 2 * EXPLAINED_PER_SECOND + 1)
