"""kill -9 of the API, of the edge, and of the embedded database, while calls run and numbers are registered."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import httpx
import pytest
from tests.e2e.calling import sipp, until
from tests.e2e.product import Product
from tests.e2e.scenarios import LISTEN, TALK
from tests.e2e.test_endings import stopped
from tests.faults.checks import require_sound
from tests.faults.traffic import LONGEST_GAP, greeted, live_through, longest_gap, talk, talker

pytestmark = pytest.mark.e2e

ANSWERED_AGAIN = 5.0
LET_GO = 10.0


def kill(product: Product, command: str) -> int:
    """kill -9; the process that was killed."""
    pid = product.child(command)
    os.kill(pid, signal.SIGKILL)
    return pid


def healthy(product: Product) -> bool:
    """Does the API answer, and its database?"""
    try:
        answer = product.api.get("/v1/health")
        return answer.is_success and bool(answer.json()["status"] == "ok")
    except httpx.TransportError:
        return False


async def killed_and_back(product: Product, command: str) -> None:
    """kill -9, and the wait for the process that replaces it."""
    gone = kill(product, command)
    await until(lambda: product.child(command) not in (0, gone), f"another {command}")
    await until(lambda: asyncio.to_thread(healthy, product), "a healthy API", every=0.2)


def test_calls_outlive_the_api(product: Product, tmp_path: Path) -> None:
    lived = asyncio.run(live_through(product, tmp_path, lambda: killed_and_back(product, "api"), 15550200000))
    assert lived.gap < LONGEST_GAP
    assert lived.registered
    require_sound(product)


def test_calls_outlive_the_database(product: Product, tmp_path: Path) -> None:
    lived = asyncio.run(live_through(product, tmp_path, lambda: killed_and_back(product, "postgres"), 15550300000))
    assert lived.gap < LONGEST_GAP
    assert lived.registered
    require_sound(product)


def test_calls_outlive_the_edge_and_either_side_hangs_up(product: Product, tmp_path: Path) -> None:
    numbers = [product.number(talker(product)) for _ in range(3)]
    next_number = product.number(talker(product))

    async def scene() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        async with (
            sipp(tmp_path, product, TALK, numbers[0]) as leaving,
            sipp(tmp_path, product, LISTEN, numbers[1]) as stopped,
            sipp(tmp_path, product, LISTEN, numbers[2]) as orphan,
        ):
            phones = [caller.phone for caller in (leaving, stopped, orphan)]
            await asyncio.gather(*map(greeted, phones))
            kill(product, "edge")
            killed = loop.time()
            async with sipp(tmp_path, product, TALK, next_number) as following:
                await greeted(following.phone)
                answered = following.phone.heard[0].at - killed
                await following.hang_up()
            await asyncio.gather(*map(talk, phones))
            gap = max(longest_gap(phone, killed) for phone in phones)
            await leaving.hang_up()
            await asyncio.to_thread(product.ask, "POST", f"/v1/calls/{product.the_call(numbers[1])['id']}/stop")
            await stopped.done(LET_GO)
            await asyncio.to_thread(product.ended_call, numbers[1])  # written by the worker that is killed next
            os.kill(product.worker_of(product.the_call(numbers[2])["id"]), signal.SIGKILL)
            await orphan.done(LET_GO)
            return answered, gap

    answered, gap = asyncio.run(scene())
    assert answered < ANSWERED_AGAIN
    assert gap < LONGEST_GAP
    require_sound(product)
    reasons = [product.ended_call(number)["end_reason"] for number in (*numbers, next_number)]
    assert reasons == ["caller_hangup", "api_stop", "worker_error", "caller_hangup"]


def test_a_call_that_was_being_set_up_is_answered_through_the_next_edge(product: Product, tmp_path: Path) -> None:
    number = product.number(talker(product))

    async def scene() -> float:
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as frozen:
            frozen.enter_context(stopped(product.workers()))
            async with sipp(tmp_path, product, TALK, number) as caller:
                await until(lambda: bool(product.calls_to(number)), "a call that waits for its worker", every=0.05)
                kill(product, "edge")
                killed = loop.time()
                frozen.close()
                await greeted(caller.phone)
                await caller.hang_up()
                return caller.phone.heard[0].at - killed

    assert asyncio.run(scene()) < ANSWERED_AGAIN
    assert product.ended_call(number)["end_reason"] == "caller_hangup"
    require_sound(product)
