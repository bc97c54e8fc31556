"""What goes on while something breaks: callers who talk with agents, and clients who register numbers."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from tests.e2e.calling import Phone, SippCall, sipp
from tests.e2e.product import TRUNK, Product
from tests.e2e.scenarios import TALK

WORDS = (8000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype("<i2").tobytes()
"""A second of sound: the scripted recogniser asks for no more."""
GREETING = "Hello, you may say something."
LONGEST_GAP = 1.0
"""Seconds between two packets of the agent's, which are 20 ms apart where nothing competes for the processor."""
CLIENT_SECONDS = 40.0
GIVE_UP_SECONDS = 45.0


def talker(product: Product, **more: Any) -> str:
    """An agent that answers whatever it hears, and never ends a call by itself."""
    script = {"tts": {"provider": "scripted"}, "silence_timeout_seconds": 0, "first_message": GREETING}
    return product.agent("Thank you, I have heard that.", **script | more)


async def greeted(phone: Phone) -> None:
    """Wait until the greeting has been heard."""
    await phone.hear_voice()
    await phone.hear_silence(0.3)


async def talk(phone: Phone) -> None:
    """Say something and hear the answer to its end."""
    _, asked = await phone.say(WORDS)
    await phone.hear_voice(asked)
    await phone.hear_silence(0.3)


def longest_gap(phone: Phone, since: float) -> float:
    """Of packets, in seconds, from a time on to now."""
    times = [since, *(one.at for one in phone.heard if one.at >= since), asyncio.get_running_loop().time()]
    return max(later - earlier for earlier, later in pairwise(times))


@dataclass
class Registrations:
    """Clients who register until they are told that it is done; each repeats itself under one key."""

    product: Product
    agent_id: str
    numbers: list[str] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    async def one(self, number: str) -> None:
        """From the first try to the 201."""
        body = {"phone_number": number, "provider": "twilio", "agent_id": self.agent_id, "provider_config": TRUNK}
        headers = dict(self.product.api.headers) | {"Idempotency-Key": str(uuid.uuid4())}
        base = str(self.product.api.base_url)
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=CLIENT_SECONDS) as client:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                while not await self._done(client, body):  # noqa: ASYNC110 (the other side is another process)
                    await asyncio.sleep(0.3)
        self.numbers.append(number)

    async def go_on(self, first: int, until: asyncio.Event) -> None:
        """One after the other."""
        number = first
        while not until.is_set():
            await self.one(f"+{number}")
            number += 1

    async def _done(self, client: httpx.AsyncClient, body: dict[str, Any]) -> bool:
        try:
            answer = await client.post("/v1/phone-numbers", json=body)
        except httpx.TransportError:
            return False
        self.statuses.add(answer.status_code)
        assert answer.status_code in (201, 409, 503), answer.text
        if answer.status_code == 409:
            assert answer.json()["code"] == "IDEMPOTENCY_IN_PROGRESS", answer.text
        return answer.status_code == 201

    def require_all(self) -> None:
        """Each number that was answered with 201 is there, once."""
        rows = self.product.rows("SELECT phone_number FROM phone_numbers WHERE deleted_at IS NULL")
        there = [number for (number,) in rows]
        assert len(there) == len(set(there))
        assert set(self.numbers) <= set(there)


@asynccontextmanager
async def registering(product: Product, first: int, at_once: int = 2) -> AsyncIterator[Registrations]:
    """Numbers are being registered while the block lasts."""
    wanted, over = Registrations(product, await asyncio.to_thread(talker, product)), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for lane in range(at_once):
            group.create_task(wanted.go_on(first + 10_000 * lane, over))
        try:
            yield wanted
        finally:
            over.set()


@dataclass(frozen=True)
class Lived:
    """What callers saw of a fault: packets were this far apart at most, and numbers were registered meanwhile."""

    gap: float
    registered: int


async def live_through(
    product: Product, folder: Path, fault: Callable[[], Awaitable[None]], first_number: int, calls: int = 3
) -> Lived:
    """`calls` callers talk before, during and after `fault`, and hang up; numbers are registered all the while."""
    numbers = [product.number(talker(product)) for _ in range(calls)]
    loop = asyncio.get_running_loop()
    async with sipp(folder, product, TALK, *numbers) as callers, registering(product, first_number) as registrations:
        await asyncio.gather(*map(greeted, callers.phones))
        began = loop.time()
        await asyncio.gather(fault(), *map(talk, callers.phones))
        await asyncio.gather(*map(talk, callers.phones))
        gap = max(longest_gap(phone, began) for phone in callers.phones)
        await hang_up(callers)
    registrations.require_all()
    for number in numbers:
        require_whole(await asyncio.to_thread(product.ended_call, number, 15.0))
    return Lived(gap, len(registrations.numbers))


async def hang_up(callers: SippCall) -> None:
    """All the callers do."""
    await callers.hang_up()


def require_whole(call: dict[str, Any]) -> None:
    """The record of a call with a greeting and two turns that its caller ended."""
    assert (call["status"], call["end_reason"]) == ("completed", "caller_hangup"), call
    assert [one["role"] for one in call["messages"]] == ["agent", "user", "agent", "user", "agent"]
