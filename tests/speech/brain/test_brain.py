"""The brain without a key, asked as LiveKit asks it."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Literal

import pytest
from livekit.agents import APIConnectOptions, llm

from oneinbox.adapters.speech.builtin import wording
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
Turn = tuple[Literal["user", "assistant"], str]
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


async def once(brain: BuiltinBrain, turns: list[Turn]) -> str:
    """The answer that follows these turns."""
    context = llm.ChatContext()
    context.add_message(role="system", content=SHOP)
    for role, content in turns:
        context.add_message(role=role, content=content)
    async with brain(CHOICE).chat(chat_ctx=context, conn_options=NO_RETRY) as stream:
        return "".join([part.delta.content async for part in stream if part.delta and part.delta.content])


@pytest.fixture(scope="module")
def brain() -> Iterator[BuiltinBrain]:
    maker = BuiltinBrain()
    yield maker
    maker.close()


def own_threads() -> set[str]:
    return {f"{thread.name} {thread.ident}" for thread in threading.enumerate() if thread.name.startswith("brain")}


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


def test_a_conversation_goes_on_from_its_context_alone(brain: BuiltinBrain) -> None:
    """Every answer comes from a new model: nothing but the context carries the state."""
    turns: list[Turn] = [
        ("user", "Can I leave a message?"),
        ("assistant", wording.TAKE),
        ("user", "This is Ann, 555 0101 234, please call me back."),
    ]
    assert asyncio.run(once(brain, turns)) == "I have: This is Ann, 555 0101 234, please call me back. Is that right?"


def test_a_question_that_was_never_heard_is_not_awaited(brain: BuiltinBrain) -> None:
    asked: Turn = ("user", "Do you have something for funerals?")
    heard: list[Turn] = [asked, ("assistant", "Do you mean: Do you deliver?"), ("user", "Yes.")]
    assert asyncio.run(once(brain, heard)) == "Yes, within the city, for 7 dollars."
    assert asyncio.run(once(brain, [asked, ("user", "Yes.")])) != "Yes, within the city, for 7 dollars."


def test_calls_at_the_same_time_do_not_mix(brain: BuiltinBrain) -> None:
    async def many() -> list[list[str]]:
        prompts = [f"You are Ann.\nA haircut costs {price} dollars." for price in range(20, 30)]
        return await asyncio.gather(*(talk(brain, prompt, "How much is a haircut?", "Pardon?") for prompt in prompts))

    answers = [f"A haircut costs {price} dollars." for price in range(20, 30)]
    assert asyncio.run(many()) == [[answer, answer] for answer in answers]


def test_closing_ends_the_threads() -> None:
    maker = BuiltinBrain()
    before = own_threads()
    assert said(maker, "When are you open?") == ["We are open Monday to Friday from nine to five."]
    assert own_threads() > before
    maker.close()
    assert own_threads() == before
