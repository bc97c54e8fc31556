"""What happens while caller and agent talk: both codecs, barge-in, hold, keys. Variants are calls at the same time."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.calling import SECOND, Codec, heard_words, missing, sipp, words
from tests.e2e.conftest import Say
from tests.e2e.product import Product
from tests.e2e.scenarios import ANSWERED, BYE, INVITE, TALK, TOLD, TRYING, Direction, hold
from tests.media.softphone import HOLD, RESUME, softphone

pytestmark = pytest.mark.e2e

WELCOME = (
    "Welcome to the museum. We are open every day. The garden is free for children. "
    "Dogs are not allowed. Thank you for listening."
)


def test_both_sides_are_understood_in_either_codec(product: Product, say: Say, tmp_path: Path) -> None:
    agent = product.agent(ears="builtin", first_message="Hello. How can I help you?")
    sentence = say("I want to buy seven green apples.")

    async def scene(number: str, codec: Codec) -> bytes:
        async with sipp(tmp_path, product, TALK, number, codec=codec) as caller:
            await caller.hear_out()
            _, asked = await caller.phone.say(sentence)
            await caller.hear_out(2)
            await caller.hang_up()
            return caller.phone.since(asked)

    async def scenes(*numbers: str) -> tuple[bytes, bytes]:
        return await asyncio.gather(scene(numbers[0], "PCMU"), scene(numbers[1], "PCMA"))

    numbers = product.number(agent), product.number(agent)
    for number, heard in zip(numbers, asyncio.run(scenes(*numbers)), strict=True):
        call = product.ended_call(number)
        assert not missing(asyncio.run(heard_words(heard)), "said", "buy", "seven", "green", "apples")
        assert [message["role"] for message in call["messages"]] == ["agent", "user", "agent"]
        assert not missing(words(call["messages"][1]["content"]), "buy", "seven", "green", "apples")


@dataclass(frozen=True)
class Interrupted:
    """What a caller heard who spoke into the greeting, and when that stopped after their first sound."""

    stopped_after: float
    greeting: bytes
    reply: bytes


def test_a_caller_who_speaks_cuts_the_agent(product: Product, say: Say, tmp_path: Path) -> None:
    agents = [
        product.agent("The answer is a hundred dollars.", ears=ears, first_message=WELCOME)
        for ears in ("scripted", "builtin")
    ]
    numbers = [product.number(agent) for agent in agents]
    interjection = say("Excuse me, I only want to know the price of one ticket, if you can tell me.")
    speaks_for = len(interjection) / 16000

    async def scene(number: str) -> Interrupted:
        async with sipp(tmp_path, product, TALK, number) as caller:
            phone = caller.phone
            await phone.hear_voice()
            await asyncio.sleep(2)
            began = asyncio.get_running_loop().time()
            talking = asyncio.create_task(phone.say(interjection))
            await asyncio.sleep(speaks_for - 0.5)
            stopped_after = phone.last_loud() - began
            _, asked = await talking
            greeting = phone.pcm
            await caller.hear_out(2)
            await caller.hang_up()
            return Interrupted(stopped_after, greeting, phone.since(asked))

    async def scenes() -> list[Interrupted]:
        return await asyncio.gather(*(scene(number) for number in numbers))

    for number, heard in zip(numbers, asyncio.run(scenes()), strict=True):
        call = product.ended_call(number)
        assert 0 < heard.stopped_after < 1.5 < speaks_for - 0.5, "the agent stops while the caller speaks"
        cut = asyncio.run(heard_words(heard.greeting))
        assert not missing(cut, "welcome", "museum", "open")
        assert not {"dogs", "listening"} & cut
        assert not missing(asyncio.run(heard_words(heard.reply)), "answer", "hundred", "dollars")
        greeting, _, reply = call["messages"]
        assert greeting["interrupted"]
        assert WELCOME.startswith(greeting["content"])
        assert 0 < len(greeting["content"]) < len(WELCOME)
        assert not reply["interrupted"]


@dataclass(frozen=True)
class Held:
    """What a caller heard while and after holding the call."""

    silent: bool
    greeting: bytes
    reply: bytes


def test_a_held_call_is_silent_until_it_is_resumed(product: Product, say: Say, tmp_path: Path) -> None:
    agent = product.agent("You are back on the line.", first_message=WELCOME)
    ways: dict[str, tuple[Direction, Direction]] = {
        product.number(agent): ("sendonly", "recvonly"),
        product.number(agent): ("inactive", "inactive"),
    }
    afterwards = say("Here I am again.")

    async def scene(number: str, offered: Direction, answered: Direction) -> Held:
        loop = asyncio.get_running_loop()
        holding, resuming = hold(offered, 2, answered), hold("sendrecv", 3, "sendrecv")
        steps = (INVITE, TRYING, *ANSWERED, TOLD, *holding, TOLD, *resuming, TOLD, *BYE)
        async with sipp(tmp_path, product, steps, number) as caller:
            phone = caller.phone
            await phone.hear_voice()
            await asyncio.sleep(2)
            caller.go_on()
            await asyncio.sleep(0.5)
            held = loop.time()
            await asyncio.sleep(1.5)
            silent = phone.last_loud() < held
            resumed = loop.time()
            caller.go_on()
            await caller.hear_out()
            greeting = phone.since(resumed)
            _, asked = await phone.say(afterwards)
            await caller.hear_out(2)
            await caller.hang_up()
            return Held(silent, greeting, phone.since(asked))

    async def scenes() -> list[Held]:
        return await asyncio.gather(*(scene(number, *way) for number, way in ways.items()))

    for number, heard in zip(ways, asyncio.run(scenes()), strict=True):
        call = product.ended_call(number)
        assert heard.silent, f"the agent was heard on hold ({ways[number][0]})"
        assert not missing(asyncio.run(heard_words(heard.greeting)), "dogs", "allowed", "thank", "listening")
        assert not missing(asyncio.run(heard_words(heard.reply)), "back", "line")
        assert [event["held"] for event in product.events(call["id"], "hold")] == [True, False]
        assert call["end_reason"] == "caller_hangup"


def test_a_softphone_presses_keys_holds_and_resumes(product: Product, tmp_path: Path) -> None:
    number = product.number(product.agent(first_message=WELCOME))

    async def scene() -> set[str]:
        async with softphone(tmp_path, product.sip, SECOND * 30, number=number) as phone:
            await asyncio.sleep(3)
            await phone.press("15*#")
            await phone.press(HOLD, 1.0)
            await phone.press(RESUME, 2.0)
            await phone.hang_up()
            return await heard_words(phone.heard())

    assert not missing(asyncio.run(scene()), "welcome", "museum", "open")
    call = product.ended_call(number)
    assert [event["digit"] for event in product.events(call["id"], "dtmf")] == list("15*#")
    assert [event["held"] for event in product.events(call["id"], "hold")] == [True, False]
    assert (call["status"], call["end_reason"]) == ("completed", "caller_hangup")
