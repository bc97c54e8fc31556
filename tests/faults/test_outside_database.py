"""A PostgreSQL of one's own is restarted under load, and clocks are set by an hour, while calls run."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.calling import sipp
from tests.e2e.product import Product, deployment
from tests.e2e.scenarios import TALK
from tests.faults.checks import require_sound
from tests.faults.outside import OutsidePostgres, WallClock, wall_clock
from tests.faults.traffic import LONGEST_GAP, greeted, live_through, talker

pytestmark = pytest.mark.e2e

HOUR = 3600
SEEN_SECONDS = 3.0
"""Until every worker has beaten by the new time."""


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
    assert lived.gap < LONGEST_GAP
    assert lived.registered
