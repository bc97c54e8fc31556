"""Calls on a PostgreSQL of one's own: it is restarted, clocks are set by an hour, and at last all is asked to stop."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.calling import sipp, until
from tests.e2e.product import Product, deployment
from tests.e2e.scenarios import TALK, refused
from tests.faults.checks import require_sound
from tests.faults.outside import OutsidePostgres, WallClock, wall_clock
from tests.faults.traffic import LONGEST_GAP, greeted, live_through, longest_gap, require_whole, talk, talker

pytestmark = pytest.mark.e2e

HOUR = 3600
CALLS = 10
SEEN_SECONDS = 3.0
"""Until every worker has beaten by the new time: before that they may seem silent, and calls are refused."""


@dataclass(frozen=True)
class Spread:
    """A deployment, its database, and the clock of both."""

    product: Product
    server: OutsidePostgres
    clock: WallClock | None


@pytest.fixture(scope="module")
def spread(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spread]:
    """A deployment on a database that it doesn't run itself."""
    folder = tmp_path_factory.mktemp("outside")
    with wall_clock() as clock, pytest.MonkeyPatch.context() as patch:
        server = OutsidePostgres(folder / "server", clock)
        try:
            urls = {"database_url": server.app_url, "database_owner_url": server.owner_url}
            for name, value in clock.environment.items() if clock else ():
                patch.setenv(name, value)
            with deployment(folder, voice=product.voice_folder, log_level="warning", rate_limit="0", **urls) as running:
                patch.undo()
                yield Spread(running, server, clock)
        finally:
            server.remove()


def test_calls_and_registrations_outlive_a_restart_of_ones_own_database(spread: Spread, tmp_path: Path) -> None:
    lived = asyncio.run(live_through(spread.product, tmp_path, spread.server.restart, 15550400000))
    assert lived.gap < LONGEST_GAP
    assert lived.registered
    require_sound(spread.product)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_calls_and_registrations_outlive_a_clock_that_is_set(spread: Spread, tmp_path: Path, seconds: int) -> None:
    if spread.clock is None:
        pytest.skip("not installed: a C compiler")
    clock, product = spread.clock, spread.product
    next_number = product.number(talker(product))

    async def set_it() -> None:
        clock.set(seconds)
        await asyncio.sleep(SEEN_SECONDS)

    async def following() -> None:
        async with sipp(tmp_path, product, TALK, next_number) as caller:
            await greeted(caller.phone)
            await caller.hang_up()

    try:
        ((before,),) = product.rows("SELECT extract(epoch FROM now())")
        lived = asyncio.run(live_through(product, tmp_path, set_it, 15550500000 + seconds * 10))
        ((after,),) = product.rows("SELECT extract(epoch FROM now())")
        assert abs(float(after - before) - seconds) < 120
        asyncio.run(following())
        assert product.ended_call(next_number)["end_reason"] == "caller_hangup"
        require_sound(product)
    finally:
        clock.set(0)
        time.sleep(SEEN_SECONDS)
    assert lived.gap < LONGEST_GAP
    assert lived.registered


def test_when_asked_to_stop_ten_calls_are_carried_to_their_end_and_new_ones_refused(
    spread: Spread, tmp_path: Path
) -> None:
    """The last test of this deployment: its database, which goes on, tells what became of it."""
    product, agent = spread.product, talker(spread.product)
    numbers = [product.number(agent) for _ in range(CALLS)]

    async def scene() -> float:
        loop = asyncio.get_running_loop()
        async with sipp(tmp_path, product, TALK, *numbers) as callers:
            await asyncio.gather(*map(greeted, callers.phones))
            asked = loop.time()
            product.ask_to_stop()
            await until(lambda: asyncio.to_thread(lambda: not product.workers()), "the drain", every=0.2)
            async with sipp(tmp_path, product, refused(503), numbers[0]) as late:
                await late.done()
            await asyncio.gather(*map(talk, callers.phones))
            await asyncio.gather(*map(talk, callers.phones))
            gap = max(longest_gap(phone, asked) for phone in callers.phones)
            await callers.hang_up()
            return gap

    gap = asyncio.run(scene())
    assert product.exit_code() == 0
    assert gap < LONGEST_GAP
    require_sound(product)
    calls = product.rows("SELECT status, end_reason, messages FROM calls WHERE to_number = ANY(%s)", numbers)
    assert len(calls) == CALLS
    for status, end_reason, messages in calls:
        require_whole({"status": status, "end_reason": end_reason, "messages": messages})
    attempts = product.rows("SELECT status, cause FROM attempts WHERE dialled = ANY(%s) ORDER BY id", numbers)
    assert attempts == [(200, "admitted")] * CALLS + [(503, "unavailable")]
    assert set(product.rows("SELECT state FROM workers")) == {("gone",)}
