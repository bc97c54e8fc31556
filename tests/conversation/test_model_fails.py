"""A model that fails in the middle of a call, over real HTTP: the caller never stays in silence (field case A13)."""

import asyncio
from dataclasses import replace

import pytest
from tests.conversation.caller import AGENT, Call, ScriptedSpeech, plan
from tests.speech.openai_server import Answer, Server, chunk, spoken

from oneinbox.adapters.speech.hosted import HostedBrain
from oneinbox.contracts.events import AgentFailed, EndReason, Said
from oneinbox.contracts.plan import LlmChoice
from oneinbox.conversation.call import SORRY

PATIENCE = 1.0
"""For the first token, and for the whole answer."""
BOUND_MS = 8_000
"""Well below what is too late and what the engine would wait by itself, and far above what any machine needs."""
LATE = (60.0, chunk("too late"))
FAILURES = {
    "429": [Answer(429)] * 2,
    "500": [Answer(500)] * 2,
    "empty": [spoken()] * 2,
    "no token ever": [Answer(events=(LATE,))],
    "falls silent in mid-answer": [Answer(events=((0.0, chunk("We open ")), LATE))],
    "breaks off in mid-answer": [Answer(events=((0.0, chunk("We open ")),), complete=False)],
}
HOSTED = replace(AGENT, llm=LlmChoice("hosted", "default"))
SECOND = replace(AGENT, agent_id="agent-2", first_message="The second one speaking.")


class HostedSpeech(ScriptedSpeech):
    """Ears and voice scripted, the brain at that address."""

    def __init__(self, url: str) -> None:
        self.hosted = HostedBrain(
            base_url=url, api_key="sk-x", model="m", first_token_seconds=PATIENCE, total_seconds=PATIENCE
        )

    def brain(self, choice: LlmChoice):
        return self.hosted(choice) if choice.provider == "hosted" else super().brain(choice)


async def failed(call: Call) -> AgentFailed:
    """The caller asks; the agent's failure."""
    await call.until(lambda: call.texts)
    call.speak(0.6)
    await call.until(lambda: call.of(AgentFailed), 15)
    (failure,) = call.of(AgentFailed)
    asked = max(event.end_ms for event in call.of(Said) if event.role == "user")
    assert failure.at_ms - asked < BOUND_MS
    assert "LLM server" in failure.reason
    return failure


@pytest.mark.parametrize("answers", FAILURES.values(), ids=FAILURES)
def test_a13_without_a_fallback_a_sentence_is_spoken_once_and_the_call_is_hung_up(answers: list[Answer]) -> None:
    async def scenario() -> None:
        async with Server(list(answers)) as server:
            call = Call(plan(HOSTED), speech=HostedSpeech(server.url))
            failure = await failed(call)
            ended = await call.ended(30)
            assert (ended.reason, ended.failed) == (EndReason.WORKER_ERROR, True)
            (said,) = [event for event in call.of(Said) if event.text == SORRY]
            assert said.at_ms - failure.at_ms < BOUND_MS
            assert call.leg.log[-1] == "hang_up"

    asyncio.run(scenario())


@pytest.mark.parametrize("answers", FAILURES.values(), ids=FAILURES)
def test_a13_with_a_fallback_the_second_agent_goes_on(answers: list[Answer]) -> None:
    async def scenario() -> None:
        async with Server(list(answers)) as server:
            call = Call(plan(HOSTED, SECOND), speech=HostedSpeech(server.url))
            await failed(call)
            await call.until(lambda: ("agent", SECOND.first_message) in call.texts, 15)
            assert ("agent", SORRY) not in call.texts
            call.leg.stop()
            assert (await call.ended(30)).reason is EndReason.CALLER_HANGUP

    asyncio.run(scenario())
