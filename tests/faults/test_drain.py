"""SIGTERM while ten calls run: they are carried to their end, new ones are refused, and all ends well."""

import asyncio
from pathlib import Path

import pytest
from tests.e2e.calling import sipp, until
from tests.e2e.product import Product, deployment
from tests.e2e.scenarios import TALK, refused
from tests.faults.checks import require_sound
from tests.faults.traffic import LONGEST_GAP, greeted, longest_gap, require_whole, talk, talker

from oneinbox.kit.postgres import EmbeddedPostgres

pytestmark = pytest.mark.e2e

CALLS = 10


def test_ten_calls_are_carried_to_their_end(product: Product, tmp_path: Path) -> None:
    with deployment(tmp_path, voice=product.voice_folder, voice_workers="2", log_level="warning") as draining:
        agent = talker(draining)
        numbers = [draining.number(agent) for _ in range(CALLS)]

        async def scene() -> float:
            loop = asyncio.get_running_loop()
            async with sipp(tmp_path, draining, TALK, *numbers) as callers:
                await asyncio.gather(*map(greeted, callers.phones))
                asked = loop.time()
                draining.ask_to_stop()
                await until(lambda: asyncio.to_thread(lambda: not draining.workers()), "the drain", every=0.2)
                async with sipp(tmp_path, draining, refused(503), numbers[0]) as late:
                    await late.done()
                await asyncio.gather(*map(talk, callers.phones))
                await asyncio.gather(*map(talk, callers.phones))
                gap = max(longest_gap(phone, asked) for phone in callers.phones)
                await callers.hang_up()
                return gap

        gap = asyncio.run(scene())
        assert draining.exit_code() == 0
    assert gap < LONGEST_GAP
    require_all_whole(draining)


def require_all_whole(stopped: Product) -> None:
    """What its database says, started once more for that."""
    server = EmbeddedPostgres(stopped.data_dir)
    server.start()
    try:
        require_sound(stopped)
        calls = stopped.rows("SELECT status, end_reason, messages FROM calls")
        assert len(calls) == CALLS
        for status, end_reason, messages in calls:
            require_whole({"status": status, "end_reason": end_reason, "messages": messages})
        attempts = stopped.rows("SELECT status, cause FROM attempts ORDER BY id")
        assert attempts == [(200, "admitted")] * CALLS + [(503, "unavailable")]
        assert stopped.rows("SELECT DISTINCT state FROM workers") == [("gone",)]
    finally:
        server.stop()
