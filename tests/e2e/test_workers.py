"""A voice worker is killed in mid-call: its caller is let go, its call ends, and the next call is answered."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.e2e.calling import heard_words, missing, sipp
from tests.e2e.product import Product
from tests.e2e.scenarios import LISTEN, TALK

pytestmark = pytest.mark.e2e

LIMIT = 10.0


def test_callers_of_a_killed_worker_are_let_go_and_the_next_is_answered(product: Product, tmp_path: Path) -> None:
    number = product.number(product.agent(first_message="Hello, this call has no happy end."))
    next_number = product.number(product.agent(first_message="Good morning, you are still welcome here."))

    async def dying() -> float:
        loop = asyncio.get_running_loop()
        async with sipp(tmp_path, product, LISTEN, number) as caller:
            await caller.phone.hear_voice()
            victim = product.worker_of(product.the_call(number)["id"])
            os.kill(victim, signal.SIGKILL)
            killed = loop.time()
            await caller.done()
            return loop.time() - killed

    async def following() -> set[str]:
        async with sipp(tmp_path, product, TALK, next_number) as caller:
            await caller.hear_out()
            await caller.hang_up()
            return await heard_words(caller.phone.pcm)

    took = asyncio.run(dying())
    assert took < LIMIT
    call = product.ended_call(number, within=LIMIT - took)
    assert (call["status"], call["end_reason"]) == ("failed", "worker_error")
    assert not missing(asyncio.run(following()), "morning", "welcome")
    assert product.ended_call(next_number)["end_reason"] == "caller_hangup"
