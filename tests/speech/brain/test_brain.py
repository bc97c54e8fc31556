"""The brain without a key, asked as LiveKit asks it."""

import asyncio

import pytest
from livekit.agents import APIConnectOptions, llm

from oneinbox.adapters.speech.builtin.brain import BuiltinBrain
from oneinbox.contracts.plan import LlmChoice

CHOICE = LlmChoice("builtin", "extractive")
NO_RETRY = APIConnectOptions(max_retry=0)
SHOP = """# Role
You sell flowers and never argue.

You are the receptionist of Rosa's Flowers. Always be brief.
We are open Monday to Friday from nine to five.
Our shop is at 14 Mill Lane, next to the library.
A bouquet of roses costs 35 dollars.
Q: Do you deliver?
A: Yes, within the city, for 7 dollars.
If the caller is angry, stay calm.
"""
GREETING = "Hello, Rosa's Flowers, how can I help you?"


async def talk(brain: BuiltinBrain, prompt: str, *turns: str) -> list[str]:
    """The answers to a caller's turns, in one conversation that began with a greeting."""
    context = llm.ChatContext()
    context.add_message(role="system", content=prompt)
    context.add_message(role="assistant", content=GREETING)
    answers = []
    model = brain(CHOICE)
    for turn in turns:
        context.add_message(role="user", content=turn)
        async with model.chat(chat_ctx=context, conn_options=NO_RETRY) as stream:
            answers.append("".join([part.delta.content async for part in stream if part.delta and part.delta.content]))
        context.add_message(role="assistant", content=answers[-1])
    await model.aclose()
    return answers


@pytest.fixture(scope="module")
def brain() -> BuiltinBrain:
    return BuiltinBrain()


def said(brain: BuiltinBrain, *turns: str, prompt: str = SHOP) -> list[str]:
    return asyncio.run(talk(brain, prompt, *turns))


def test_an_answer_is_the_owners_sentence_though_the_caller_uses_other_words(brain: BuiltinBrain) -> None:
    assert said(brain, "When can I come by?") == ["We are open Monday to Friday from nine to five."]
    assert said(brain, "Hi, um, whereabouts is your store?") == ["Our shop is at 14 Mill Lane, next to the library."]


def test_two_questions_get_two_answers(brain: BuiltinBrain) -> None:
    (answer,) = said(brain, "When are you open and where are you?")
    assert answer == "We are open Monday to Friday from nine to five. Our shop is at 14 Mill Lane, next to the library."


def test_orders_to_the_agent_are_never_said(brain: BuiltinBrain) -> None:
    questions = ("Are you quick?", "Do you sell tulips and never fight?", "What if I get mad?", "Who are you?")
    answers = [said(brain, question)[0] for question in questions]
    assert not any(word in answer for answer in answers for word in ("receptionist", "brief", "argue", "calm"))


def test_preparing_a_prompt_learns_it_once(brain: BuiltinBrain) -> None:
    async def both() -> tuple[int, int]:
        await brain.prepare(SHOP)
        before = brain._learn.cache_info().misses
        await talk(brain, SHOP, "When are you open?")
        return before, brain._learn.cache_info().misses

    before, after = asyncio.run(both())
    assert before == after
