"""A call's journal: batches in order, kept through outages, exactly one end."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.app.deployment import FixedClock

from oneinbox.app.voice.journal import Journal
from oneinbox.contracts.events import CallAnswered, CallEnded, CallEvent, EndReason, Said
from oneinbox.features.calls.events import Fact

ENDED = CallEnded(at_ms=900, reason=EndReason.CALLER_HANGUP)


class Table:
    """Where batches go, when it is there; keeps each event once, by its number, as the database does."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.rows: dict[int, CallEvent] = {}
        self.tries = 0

    async def write(self, facts: Sequence[Fact]) -> bool:
        self.tries += 1
        if self.away:
            raise ConnectionRefusedError
        for fact in facts:
            self.rows.setdefault(fact.seq, fact.event)
        return True


def said(number: int) -> Said:
    return Said(at_ms=number, end_ms=number + 1, role="agent", text=str(number))


def test_events_are_numbered_in_order_and_the_terminal_one_is_the_last() -> None:
    table = Table()

    async def scene() -> None:
        journal = Journal(table.write, FixedClock())
        keeping = asyncio.create_task(journal.keep())
        journal.emit(CallAnswered())
        await asyncio.sleep(0)
        journal.emit(said(1))
        journal.emit(ENDED)
        journal.emit(said(2))
        journal.break_off(950, "The conversation broke off.")
        await asyncio.wait_for(keeping, 10)

    asyncio.run(scene())
    assert list(table.rows.items()) == [(0, CallAnswered()), (1, said(1)), (2, ENDED)]


def test_an_outage_in_the_middle_of_a_call_loses_nothing_and_ends_nothing() -> None:
    table = Table(away=True)

    async def scene() -> None:
        journal = Journal(table.write, FixedClock(), outage_seconds=0.05)
        keeping = asyncio.create_task(journal.keep())
        journal.emit(CallAnswered())
        for _ in range(200):
            if table.tries >= 4:
                break
            await asyncio.sleep(0.05)
        assert not keeping.done(), "the call was given up although it went on"
        table.away = False
        journal.emit(ENDED)
        await asyncio.wait_for(keeping, 10)

    asyncio.run(scene())
    assert list(table.rows.values()) == [CallAnswered(), ENDED]


def test_after_the_call_patience_ends() -> None:
    table = Table(away=True)

    async def scene() -> None:
        journal = Journal(table.write, FixedClock(), outage_seconds=0.05)
        journal.emit(ENDED)
        await asyncio.wait_for(journal.keep(), 10)

    with pytest.raises(ConnectionRefusedError):
        asyncio.run(scene())
