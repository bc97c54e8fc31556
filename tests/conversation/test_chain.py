"""The chain inside a call: what makes an agent fail, who follows, and what is left when nobody can."""

import asyncio
from dataclasses import replace

import pytest
from tests.conversation.caller import AGENT, Call, plan
from tests.conversation.virtual import run_virtually

from oneinbox.adapters.speech.scripted.voice import speak
from oneinbox.contracts.events import AgentFailed, AgentStarted, EndReason, RecordingStored
from oneinbox.contracts.plan import AgentPlan, LlmChoice, SttChoice, TtsChoice, VoicemailPlan
from oneinbox.conversation.announcement import beep
from oneinbox.conversation.call import SORRY

SECOND = replace(AGENT, agent_id="agent-2", first_message="The second one speaking.", enable_recording=False)
VOICEMAIL = VoicemailPlan(
    message="Please leave a message after the tone.",
    tts=TtsChoice("scripted"),
    stt=SttChoice("scripted", "please call me back|it is urgent"),
)

AT_START = {
    "brain not configured": replace(AGENT, llm=LlmChoice("acme", "m")),
    "voice not configured": replace(AGENT, tts=TtsChoice("acme")),
    "recogniser not configured": replace(AGENT, stt=SttChoice("acme", "m")),
    "voice breaks": replace(AGENT, tts=TtsChoice("scripted", "!error")),
    "voice is silent": replace(AGENT, tts=TtsChoice("scripted", "!hang")),
}
IN_A_TURN = {
    "brain breaks": replace(AGENT, system_prompt="SCRIPT: !error"),
    "brain hangs": replace(AGENT, system_prompt="SCRIPT: !hang"),
    "recogniser breaks": replace(AGENT, stt=SttChoice("scripted", "!error")),
}


@pytest.mark.parametrize("broken", AT_START.values(), ids=AT_START)
def test_the_fallback_agent_takes_over_from_one_that_can_not_start(broken: AgentPlan) -> None:
    async def scenario() -> None:
        call = Call(plan(broken, SECOND))
        await call.until(lambda: call.texts)
        assert call.texts == [("agent", "The second one speaking.")]
        assert [event.agent_id for event in call.of(AgentFailed)] == ["agent-1"]
        assert call.of(AgentFailed)[0].reason
        assert call.of(AgentStarted)[-1].agent_id == "agent-2"
        assert call.of(AgentFailed)[0].at_ms <= 15_100
        call.speak(1.0)
        await call.until(lambda: len(call.texts) == 3)
        call.leg.stop()
        assert (await call.ended()).reason is EndReason.CALLER_HANGUP

    run_virtually(scenario())


@pytest.mark.parametrize("broken", IN_A_TURN.values(), ids=IN_A_TURN)
def test_the_fallback_agent_takes_over_from_one_that_fails_in_a_turn(broken: AgentPlan) -> None:
    async def scenario() -> None:
        call = Call(plan(broken, SECOND))
        await call.until(lambda: call.texts)
        call.speak(1.0)
        await call.until(lambda: ("agent", "The second one speaking.") in call.texts)
        assert [event.agent_id for event in call.of(AgentFailed)] == ["agent-1"]
        call.leg.stop()
        assert (await call.ended()).reason is EndReason.CALLER_HANGUP

    run_virtually(scenario())


def test_voicemail_speaks_beeps_records_and_transcribes() -> None:
    async def scenario() -> None:
        call = Call(plan(replace(AT_START["voice breaks"], enable_recording=False), voicemail=VOICEMAIL))
        await call.until(lambda: beep() in b"".join(call.leg.said))
        sound = b"".join(call.leg.said)
        assert sound.index(speak(VOICEMAIL.message)) < sound.index(beep())
        call.speak(2.0)
        await asyncio.sleep(4)
        call.speak(1.0)
        await asyncio.sleep(1.1)
        call.leg.stop()
        ended = await call.ended()
        assert (ended.reason, ended.failed) == (EndReason.VOICEMAIL, False)
        assert call.texts == [
            ("agent", VOICEMAIL.message),
            ("user", "please call me back"),
            ("user", "it is urgent"),
        ]
        said = [event for event in call.events if event.type == "said"]
        assert said[1].end_ms - said[1].at_ms == pytest.approx(2000, abs=80)
        assert call.of(RecordingStored)

    run_virtually(scenario())


@pytest.mark.parametrize(("speaks", "at_most"), [(200, 30), (0, 15)])
def test_voicemail_ends_by_itself(speaks: int, at_most: int) -> None:
    async def scenario() -> None:
        call = Call(plan(AT_START["brain not configured"], voicemail=replace(VOICEMAIL, max_seconds=20)))
        await call.until(lambda: beep() in b"".join(call.leg.said))
        call.speak(speaks)
        ended = await call.ended()
        assert ended.reason is EndReason.VOICEMAIL
        assert ended.at_ms <= at_most * 1000
        assert call.leg.log == ["answer", "hang_up"]

    run_virtually(scenario())


def test_hanging_up_during_the_voicemail_message_leaves_none() -> None:
    async def scenario() -> None:
        call = Call(plan(AT_START["brain not configured"], voicemail=VOICEMAIL))
        await call.until(lambda: call.leg.sounding)
        call.leg.stop()
        assert (await call.ended()).reason is EndReason.CALLER_HANGUP

    run_virtually(scenario())


def test_voicemail_without_a_recogniser_is_still_recorded() -> None:
    async def scenario() -> None:
        voicemail = replace(VOICEMAIL, stt=SttChoice("acme", "m"))
        call = Call(plan(AT_START["brain not configured"], voicemail=voicemail))
        await call.until(lambda: beep() in b"".join(call.leg.said))
        call.speak(2.0)
        await asyncio.sleep(2)
        call.leg.stop()
        assert (await call.ended()).reason is EndReason.VOICEMAIL
        assert call.recorder.state == "finished"

    run_virtually(scenario())


def test_when_nobody_can_serve_a_sentence_is_spoken_and_the_call_fails() -> None:
    async def scenario() -> None:
        call = Call(plan(AT_START["brain not configured"], replace(SECOND, llm=LlmChoice("acme", "m"))))
        ended = await call.ended()
        assert (ended.reason, ended.failed) == (EndReason.WORKER_ERROR, True)
        assert call.texts == [("agent", SORRY)]
        assert speak(SORRY) in b"".join(call.leg.said)
        assert len(call.of(AgentFailed)) == 2
        assert call.leg.log == ["answer", "hang_up"]

    run_virtually(scenario())


def test_when_not_even_a_voice_works_the_call_is_hung_up() -> None:
    async def scenario() -> None:
        call = Call(plan(AT_START["voice breaks"], voicemail=replace(VOICEMAIL, tts=TtsChoice("scripted", "!hang"))))
        ended = await call.ended()
        assert (ended.reason, ended.failed) == (EndReason.WORKER_ERROR, True)
        assert not call.texts
        assert not any(any(block) for block in call.leg.said)

    run_virtually(scenario())


def test_stop_during_voicemail_and_between_agents() -> None:
    async def scenario(after: float) -> None:
        call = Call(plan(AT_START["voice is silent"], SECOND))
        await asyncio.sleep(after)
        call.stop.set()
        assert (await call.ended(5)).reason is EndReason.API_STOP

    for after in (0.0, 0.05, 14.99, 15.0, 15.02, 15.04, 15.3):
        run_virtually(scenario(after))
