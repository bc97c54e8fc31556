"""Ten callers at the same time, each with an agent of their own."""

import asyncio
from pathlib import Path

import pytest
from tests.e2e.calling import heard_words, sipp
from tests.e2e.conftest import Say
from tests.e2e.product import Product
from tests.e2e.scenarios import TALK

pytestmark = pytest.mark.e2e

ANIMALS = ("elephant", "tiger", "monkey", "rabbit", "penguin", "dolphin", "eagle", "spider", "camel", "turtle")


def test_ten_callers_each_hear_their_own_agent(product: Product, say: Say, tmp_path: Path) -> None:
    agents = [product.agent(f"Here you can see the {animal}.", first_message="Hello.") for animal in ANIMALS]
    numbers = [product.number(agent) for agent in agents]
    question = say("What is it?")

    async def scene() -> list[set[str]]:
        everybody = range(len(numbers))
        async with sipp(tmp_path, product, TALK, *numbers) as callers:
            await asyncio.gather(*(callers.hear_out(1, index) for index in everybody))
            for turns in (2, 3):  # an answer that ten voices make at once may come in pieces; then it is known by heart
                asked = await asyncio.gather(*(phone.say(question) for phone in callers.phones))
                await asyncio.gather(*(callers.hear_out(turns, index) for index in everybody))
            assert {product.the_call(number)["status"] for number in numbers} == {"in_progress"}
            await callers.hang_up()
            answers = [phone.since(until) for phone, (_, until) in zip(callers.phones, asked, strict=True)]
            return [await heard_words(answer) for answer in answers]

    heard = asyncio.run(scene())
    assert [said & set(ANIMALS) for said in heard] == [{animal} for animal in ANIMALS]
    calls = [product.ended_call(number) for number in numbers]
    assert [call["agent_id"] for call in calls] == agents
    assert {call["end_reason"] for call in calls} == {"caller_hangup"}
