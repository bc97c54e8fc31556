"""Who ends a call and how: a phrase, the API, and a caller who gives up before the answer."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.calling import sipp
from tests.e2e.conftest import Say
from tests.e2e.product import Product
from tests.e2e.scenarios import LISTEN, cancelled

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("long_call")]


@contextlib.contextmanager
def stopped(processes: list[int]) -> Iterator[None]:
    """While this lasts, the processes do nothing."""
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def test_a_phrase_of_the_caller_ends_the_call(product: Product, say: Say, tmp_path: Path) -> None:
    agent = product.agent(ears="builtin", first_message="Hello. How can I help you?", end_call_phrases=["goodbye"])
    number = product.number(agent)
    farewell = say("Thank you, goodbye.")

    async def scene() -> None:
        async with sipp(tmp_path, product, LISTEN, number) as caller:
            await caller.hear_out()
            await caller.phone.say(farewell)
            await caller.done()

    asyncio.run(scene())
    call = product.ended_call(number)
    assert (call["status"], call["end_reason"]) == ("completed", "end_call_phrase")


def test_the_api_ends_a_call(product: Product, tmp_path: Path) -> None:
    number = product.number(product.agent(first_message="Hello. This call is going to be stopped."))

    async def scene() -> float:
        loop = asyncio.get_running_loop()
        async with sipp(tmp_path, product, LISTEN, number) as caller:
            await caller.phone.hear_voice()
            call = product.the_call(number)
            assert call["status"] == "in_progress"
            asked = loop.time()
            product.ask("POST", f"/v1/calls/{call['id']}/stop")
            await caller.done()
            return loop.time() - asked

    assert asyncio.run(scene()) < 3
    call = product.ended_call(number)
    assert (call["status"], call["end_reason"]) == ("completed", "api_stop")


def test_a_caller_who_cancels_is_let_go(product: Product, tmp_path: Path) -> None:
    number = product.number(product.agent(first_message="Nobody is there to hear this."))

    async def scene() -> None:
        async with sipp(tmp_path, product, cancelled(300), number) as caller:
            await caller.done()

    with stopped(product.workers()):  # they would answer before anyone could cancel
        asyncio.run(scene())
    call = product.ended_call(number, within=5)
    assert (call["status"], call["end_reason"], call["started_at"]) == ("failed", "cancelled", None)
    assert product.attempts(number) == [(487, "cancelled")]
    assert product.workers(), "the workers go on"
