"""What a caller gets when the number's agent can't serve: the fallback agent, voicemail, or a refusal."""

import asyncio
from pathlib import Path

import httpx
import pytest
from tests.e2e.calling import heard_words, missing, seconds_of_tone, sides, sipp, words
from tests.e2e.conftest import Say
from tests.e2e.product import Product
from tests.e2e.scenarios import TALK, refused

pytestmark = pytest.mark.e2e

BEEP_HERTZ = 1000
FALLBACK = "Good morning, the second agent is speaking. What can I do for you?"


def test_a_deleted_agents_calls_go_to_its_fallback(product: Product, tmp_path: Path) -> None:
    first, second = product.agent(first_message="This must not be heard."), product.agent(first_message=FALLBACK)
    routing = {"agent_id": first, "fallback": {"agent_id": second}}
    number = product.number(first, inbound_routing=routing)
    product.ask("DELETE", f"/v1/agents/{first}")

    async def scene() -> set[str]:
        async with sipp(tmp_path, product, TALK, number) as caller:
            await caller.hear_out()
            await caller.hang_up()
            return await heard_words(caller.phone.pcm)

    assert not missing(asyncio.run(scene()), "morning", "second", "agent", "speaking")
    call = product.ended_call(number)
    assert (call["agent_id"], call["end_reason"]) == (second, "caller_hangup")
    assert [message["content"] for message in call["messages"]] == [FALLBACK]


def test_an_agent_that_breaks_in_mid_call_is_followed_by_its_fallback(
    product: Product, say: Say, tmp_path: Path
) -> None:
    first = product.agent(heard="!error", first_message="Hello, this is the first agent.")
    routing = {"agent_id": first, "fallback": {"agent_id": product.agent(first_message=FALLBACK)}}
    number = product.number(first, inbound_routing=routing)
    question = say("Good morning, I have a question.")

    async def scene() -> tuple[set[str], set[str]]:
        async with sipp(tmp_path, product, TALK, number) as caller:
            await caller.hear_out()
            greeting = caller.phone.pcm
            _, asked = await caller.phone.say(question)
            await caller.hear_out(2)
            await caller.hang_up()
            return await heard_words(greeting), await heard_words(caller.phone.since(asked))

    greeting, after = asyncio.run(scene())
    assert not missing(greeting, "first", "agent")
    assert not missing(after, "morning", "second", "agent", "speaking")
    assert product.ended_call(number)["end_reason"] == "caller_hangup"


def test_without_an_agent_the_caller_leaves_a_message(product: Product, say: Say, tmp_path: Path) -> None:
    message = "Nobody can take your call right now. Please leave a message after the tone."
    agent = product.agent()
    number = product.number(agent, inbound_routing={"agent_id": agent, "voicemail_message": message})
    product.ask("DELETE", f"/v1/agents/{agent}")
    left = say("Please call me back on Monday. My bicycle is broken.")
    kept = {"call", "back", "monday", "bicycle", "broken"}

    async def scene() -> bytes:
        async with sipp(tmp_path, product, TALK, number) as caller:
            await caller.hear_out()
            await caller.phone.hear_silence(1)
            await caller.phone.say(left)
            await caller.hang_up()
            return caller.phone.pcm

    heard = asyncio.run(scene())
    call = product.ended_call(number)
    assert not missing(asyncio.run(heard_words(heard)), "nobody", "take", "leave", "message", "tone")
    assert seconds_of_tone(BEEP_HERTZ, heard) == pytest.approx(0.4, abs=0.1)
    assert (call["status"], call["end_reason"], call["outcome"]) == ("completed", "voicemail", "Voicemail")
    assert [one["role"] for one in call["messages"]] == ["agent", "user"]
    assert call["messages"][0]["content"] == message
    assert not missing(words(call["messages"][1]["content"]), *kept)
    stored = httpx.get(call["recording_url"])
    assert (stored.status_code, stored.headers["content-type"]) == (200, "audio/ogg")
    caller_side, our_side = sides(stored.content)
    assert not missing(asyncio.run(heard_words(caller_side)), *kept)
    assert not missing(asyncio.run(heard_words(our_side)), "nobody", "call", "leave", "message")


def test_without_agent_and_message_the_call_is_refused(product: Product, tmp_path: Path) -> None:
    agent = product.agent()
    number = product.number(agent)
    product.ask("DELETE", f"/v1/agents/{agent}")

    async def scene() -> None:
        async with sipp(tmp_path, product, refused(480), number) as caller:
            await caller.done()

    asyncio.run(scene())
    assert product.attempts(number) == [(480, "no_agent")]
