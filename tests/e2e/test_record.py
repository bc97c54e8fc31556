"""A conversation with the builtin brain, and what the call's record says about it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx
import numpy as np
import pytest
from tests.e2e.calling import LOUD, Codec, Samples, heard_words, missing, sides, sipp, words
from tests.e2e.conftest import Say
from tests.e2e.product import Product
from tests.e2e.scenarios import TALK

pytestmark = pytest.mark.e2e

GREETING = "Hello, this is the bicycle shop. How can I help you?"
FACTS = """You answer the telephone of a bicycle shop.
We are open Monday to Friday from nine to six.
Repairs usually take two days.
You can pay in cash or by card.
"""
QUESTION = "When are you open?"


@dataclass(frozen=True)
class Talk:
    """A call as its caller saw it."""

    answer: bytes
    waited_ms: float
    call: dict[str, Any]
    recording: httpx.Response


@pytest.fixture(scope="module")
def talk(product: Product, say: Say, tmp_path_factory: pytest.TempPathFactory) -> Talk:
    """A caller asks and hangs up after the answer."""
    agent = product.agent(FACTS, brain="builtin", ears="builtin", first_message=GREETING, enable_recording=True)
    number = product.number(agent)
    question = say(QUESTION)

    async def scene() -> tuple[bytes, float]:
        async with sipp(tmp_path_factory.mktemp("talk"), product, TALK, number) as caller:
            await caller.hear_out()
            _, asked = await caller.phone.say(question)
            answered = await caller.phone.hear_voice(asked)
            await caller.hear_out(2)
            await caller.hang_up()
            return caller.phone.since(asked), (answered - asked) * 1000

    answer, waited_ms = asyncio.run(scene())
    call = product.ended_call(number)
    return Talk(answer, waited_ms, call, httpx.get(call["recording_url"]))


def loudness(recording: bytes) -> tuple[Samples, Samples]:
    """How loud each sample of the caller and of the agent is."""
    caller, agent = (np.abs(np.frombuffer(side, "<i2").astype(int)) for side in sides(recording))
    return caller, agent


def test_the_builtin_brain_answers_from_its_prompt(talk: Talk) -> None:
    assert not missing(asyncio.run(heard_words(talk.answer)), "open", "monday", "friday")


def test_the_record_has_the_turns_with_their_times(talk: Talk) -> None:
    call = talk.call
    greeting, question, answer = call["messages"]
    assert (call["status"], call["end_reason"]) == ("completed", "caller_hangup")
    assert [one["role"] for one in (greeting, question, answer)] == ["agent", "user", "agent"]
    assert greeting["content"] == GREETING
    assert not missing(words(question["content"]), "when", "open")
    assert "Monday to Friday" in answer["content"]
    times = [at for one in (greeting, question, answer) for at in (one["start_ms"], one["end_ms"])]
    assert times == sorted(times)
    _, agent = loudness(talk.recording.content)
    assert times[0] == pytest.approx(np.flatnonzero(agent >= LOUD)[0] / 8, abs=100)
    assert times[-1] <= call["duration_seconds"] * 1000
    assert not any(one["interrupted"] for one in (greeting, question, answer))


def test_the_latency_is_what_the_caller_waited(talk: Talk) -> None:
    perceived = talk.call["latency"]["perceived"]
    assert perceived["turns"] == 1
    caller, agent = loudness(talk.recording.content)
    spoke_until = np.flatnonzero(caller >= LOUD)[-1]
    waited_ms = np.flatnonzero(agent[spoke_until:] >= LOUD)[0] / 8
    assert perceived["avg_ms"] == perceived["p50_ms"] == pytest.approx(waited_ms, abs=100)
    assert waited_ms <= talk.waited_ms + 20
    spreads = [talk.call["latency"][stage] for stage in ("eou_delay", "llm_ttft", "tts_ttfb")]
    assert all(0 <= spread["avg_ms"] <= perceived["avg_ms"] for spread in spreads)


def test_the_recording_has_the_caller_left_and_the_agent_right(talk: Talk) -> None:
    assert (talk.recording.status_code, talk.recording.headers["content-type"]) == (200, "audio/ogg")
    left, right = sides(talk.recording.content)
    assert len(left) / 16000 == pytest.approx(talk.call["duration_seconds"], abs=0.5)
    caller, agent = asyncio.run(heard_words(left)), asyncio.run(heard_words(right))
    assert not missing(caller, "when", "open")
    assert not missing(agent, "bicycle", "shop", "monday", "friday")
    assert "when" not in agent
    assert not {"bicycle", "monday"} & caller


def test_only_the_signed_link_opens_the_recording(product: Product, talk: Talk) -> None:
    link = urlsplit(talk.call["recording_url"])
    (expires,) = parse_qs(link.query)["expires"]
    longer = link._replace(query=link.query.replace(expires, str(int(expires) + 1)))
    assert httpx.get(urlunsplit(longer)).status_code == 403
    assert httpx.get(urlunsplit(link._replace(query=""))).status_code == 422


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_words_in_packets_of_forty_ms_are_understood_too(
    product: Product, say: Say, tmp_path: Path, codec: Codec
) -> None:
    agent = product.agent(FACTS, brain="builtin", ears="builtin", first_message=GREETING, enable_recording=True)
    number = product.number(agent)
    question = say(QUESTION)

    async def scene() -> None:
        async with sipp(tmp_path, product, TALK, number, codec=codec, packet_ms=40) as caller:
            await caller.hear_out()
            await caller.phone.say(question)
            await caller.hear_out(2)
            await caller.hang_up()

    asyncio.run(scene())
    call = product.ended_call(number)
    _, asked, _ = call["messages"]
    assert not missing(words(asked["content"]), "when", "open")
    assert asked["end_ms"] - asked["start_ms"] == pytest.approx(len(question) / 16, abs=700), "at normal speed"
