"""Hosted brains against a real HTTP server: streaming, errors, time-outs, retries, and no key anywhere."""

import asyncio
import logging
import traceback

import pytest
from livekit.agents import APIError, llm
from tests.speech.openai_server import Answer, Server, chunk, spoken

from oneinbox.adapters.speech.hosted import BrainError, HostedBrain
from oneinbox.contracts.plan import LlmChoice
from oneinbox.kit.errors import ProviderError

KEY = "sk-very-secret-key-0123456789"
CHOICE = LlmChoice("hosted", "default", temperature=0.25, max_tokens=77)
CUT = Answer(events=((0.0, chunk("We open")),), complete=False)
SLOW = Answer(events=((5.0, chunk("late")),))


def context() -> llm.ChatContext:
    ctx = llm.ChatContext()
    ctx.add_message(role="system", content="You are a shop.")
    ctx.add_message(role="user", content="When do you open?")
    return ctx


async def ask(server: Server, choice: LlmChoice = CHOICE, first: float = 0.5, total: float = 1.0) -> list[str]:
    """The texts as they came, one item per chunk."""
    brain = HostedBrain(
        base_url=server.url, api_key=KEY, model="the-model", first_token_seconds=first, total_seconds=total
    )
    try:
        async with brain(choice).chat(chat_ctx=context()) as stream:
            return [part.delta.content async for part in stream if part.delta and part.delta.content]
    finally:
        await brain.aclose()


def test_an_answer_is_streamed_and_the_request_says_what_the_plan_says() -> None:
    async def scenario() -> None:
        async with Server([spoken("We open ", "at nine.")]) as server:
            assert await ask(server) == ["We open ", "at nine."]
            headers, body = server.requests[0]
            assert headers["authorization"] == f"Bearer {KEY}"
            assert (body["model"], body["temperature"], body["max_completion_tokens"]) == ("the-model", 0.25, 77)
            assert body["stream"] is True
            assert [message["role"] for message in body["messages"]] == ["system", "user"]

    asyncio.run(scenario())


def test_the_first_words_come_before_the_last_are_made() -> None:
    async def scenario() -> None:
        events = ((0.0, chunk("We open ")), (0.4, chunk("at nine.")), (0.0, chunk(None, "stop")))
        async with Server([Answer(events=events)]) as server:
            brain = HostedBrain(base_url=server.url, api_key=KEY, model="m")
            loop = asyncio.get_running_loop()
            async with brain(CHOICE).chat(chat_ctx=context()) as stream:
                times = [loop.time() async for part in stream if part.delta and part.delta.content]
            assert times[1] - times[0] > 0.2
            await brain.aclose()

    asyncio.run(scenario())


def test_a_model_named_in_the_plan_is_the_one_asked() -> None:
    async def scenario() -> None:
        async with Server([spoken("Yes.")]) as server:
            await ask(server, LlmChoice("hosted", "other-model"))
            assert server.requests[0][1]["model"] == "other-model"
            assert "max_completion_tokens" not in server.requests[0][1]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("answer", "requests", "status"),
    [
        (Answer(401, body=b'{"error": {"message": "Incorrect API key: ' + KEY.encode() + b'"}}'), 1, 401),
        (Answer(404), 1, 404),
        (Answer(429), 2, 429),
        (Answer(500), 2, 500),
        (SLOW, 1, None),
        (CUT, 1, None),
        (Answer(events=((0.0, chunk("We open")), (5.0, chunk(" late")))), 1, None),
        (Answer(events=()), 2, None),
        (Answer(events=((0.0, chunk("")), (0.0, chunk(None, "stop")))), 2, None),
    ],
    ids=["401", "404", "429", "500", "hangs before the first token", "cut", "hangs after it", "nothing", "empty"],
)
def test_failures_are_typed_bounded_and_hold_no_key(
    answer: Answer, requests: int, status: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    errors: list[llm.LLMError] = []

    async def scenario() -> None:
        async with Server([answer] * 3) as server:
            brain = HostedBrain(base_url=server.url, api_key=KEY, model="m", first_token_seconds=0.5, total_seconds=0.5)
            model = brain(CHOICE)
            model.on("error", errors.append)
            with pytest.raises(APIError) as caught:
                await model.chat(chat_ctx=context()).collect()
            assert len(server.requests) == requests
            shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(brain) + repr(model)
            assert KEY not in shown
            await brain.aclose()

    asyncio.run(asyncio.wait_for(scenario(), 10))
    last = errors[-1]
    assert not last.recoverable
    assert isinstance(last.error, BrainError)
    assert isinstance(last.error, ProviderError)
    assert last.error.status_code == status
    assert KEY not in repr(errors)
    assert KEY not in caplog.text


def test_one_failure_before_the_first_token_is_retried() -> None:
    async def scenario() -> None:
        async with Server([Answer(503), spoken("Hello.")]) as server:
            assert await ask(server) == ["Hello."]
            assert len(server.requests) == 2

    asyncio.run(scenario())


def test_an_address_where_nobody_listens() -> None:
    async def scenario() -> None:
        async with Server([]) as server:
            pass
        with pytest.raises(APIError):
            await ask(server)

    asyncio.run(asyncio.wait_for(scenario(), 10))
