"""Whole calls in virtual time: greeting, turns, limits, hold, stop, and hang-up at every point."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from tests.conversation.caller import AGENT, Call, MediaGone, plan
from tests.conversation.virtual import run_virtually

from oneinbox.adapters.media.scripted import LegScript, ScriptedLeg
from oneinbox.adapters.media.scripted.leg import LEAD_MS
from oneinbox.adapters.speech.scripted.voice import speak
from oneinbox.contracts.events import (
    AgentStarted,
    CallAnswered,
    DtmfReceived,
    EndReason,
    HoldChanged,
    RecordingLost,
    RecordingStored,
    Said,
    TurnMeasured,
)
from oneinbox.contracts.plan import SttChoice, TtsChoice

LONG = " ".join(f"word{n:03}" for n in range(200))


def test_greeting_is_heard_and_two_turns_are_answered() -> None:
    async def scenario() -> None:
        call = Call(plan())
        await call.until(lambda: len(call.texts) == 1)
        call.speak(1.0)
        await call.until(lambda: len(call.texts) == 3)
        call.speak(1.0)
        await call.until(lambda: len(call.texts) == 5)
        ended = await call.ended()
        assert call.texts == [
            ("agent", "Hello, this is the shop."),
            ("user", "when do you open"),
            ("agent", "We open at nine in the morning."),
            ("user", "and until when"),
            ("agent", "Until six in the evening."),
        ]
        assert ended.reason is EndReason.SILENCE_TIMEOUT
        assert call.leg.log == ["answer", "hang_up"]
        assert [type(event) for event in call.events[:2]] == [CallAnswered, AgentStarted]

    run_virtually(scenario())


def test_greeting_reaches_the_line_whole_and_at_once() -> None:
    async def scenario() -> None:
        call = Call(plan())
        await call.until(lambda: call.texts)
        sound = b"".join(call.leg.said)
        start = next(index for index, block in enumerate(call.leg.said) if any(block))
        expected = speak("Hello, this is the shop.")
        assert start <= 3
        assert sound[start * 320 :][: len(expected)] == expected
        call.leg.stop()
        assert (await call.ended()).reason is EndReason.CALLER_HANGUP

    run_virtually(scenario())


def test_latency_is_measured_in_the_audio() -> None:
    async def scenario() -> None:
        call = Call(plan(replace(AGENT, system_prompt="SCRIPT: !delay 0.5 Nine.")))
        await call.until(lambda: call.texts)
        spoke_at = len(call.leg.said)
        call.speak(1.0)
        await call.until(lambda: call.of(TurnMeasured))
        (turn,) = call.of(TurnMeasured)
        end_of_speech = spoke_at + 50
        answer = next(index for index, block in enumerate(call.leg.said) if index > end_of_speech and any(block))
        assert abs(turn.perceived_ms - ((answer - end_of_speech) * 20 + LEAD_MS)) <= 20
        assert turn.eou_delay_ms == pytest.approx(600, abs=20)
        assert turn.llm_ttft_ms == pytest.approx(500, abs=20)
        call.stop.set()
        await call.ended()

    run_virtually(scenario())


@pytest.mark.parametrize(("sensitivity", "at_most_ms"), [(1.0, 140), (0.5, 540), (0.1, 860)])
def test_barge_in_cuts_the_agent_and_only_what_was_heard_is_recorded(sensitivity: float, at_most_ms: int) -> None:
    async def scenario() -> None:
        call = Call(plan(replace(AGENT, first_message=LONG, interruption_sensitivity=sensitivity)))
        await call.until(lambda: call.leg.sounding)
        await asyncio.sleep(1.0)
        spoke_at = len(call.leg.said)
        call.speak(2.0)
        await call.until(lambda: not call.leg.sounding)
        assert 0 < (len(call.leg.said) - spoke_at) * 20 <= at_most_ms
        said = call.of(Said)[0]
        assert said.interrupted
        assert LONG.startswith(said.text)
        heard = sum(any(block) for block in call.leg.said) * 20 / 60
        assert abs(len(said.text.split()) - heard) <= 4
        await call.until(lambda: len(call.texts) == 3)
        assert call.texts[1:] == [("user", "when do you open"), ("agent", "We open at nine in the morning.")]
        call.leg.stop()
        await call.ended()

    run_virtually(scenario())


def test_an_agent_that_can_not_be_interrupted_speaks_to_the_end() -> None:
    async def scenario() -> None:
        call = Call(plan(replace(AGENT, first_message=LONG, interruption_sensitivity=0.0)))
        await call.until(lambda: call.leg.sounding)
        call.speak(3.0)
        await call.until(lambda: call.texts)
        assert call.texts == [("agent", LONG)]
        assert not call.of(Said)[0].interrupted
        call.stop.set()
        await call.ended()

    run_virtually(scenario())


def test_a_short_sound_does_not_cut_the_agent() -> None:
    async def scenario() -> None:
        agent = replace(AGENT, first_message=LONG, interruption_sensitivity=0.2, stt=SttChoice("scripted", "uh huh"))
        call = Call(plan(agent))
        await call.until(lambda: call.leg.sounding)
        call.speak(0.3)
        await call.until(lambda: len(call.texts) == 2)
        assert call.texts == [("user", "uh huh"), ("agent", LONG)]
        assert not call.of(Said)[1].interrupted
        call.stop.set()
        await call.ended()

    run_virtually(scenario())


def test_a_phrase_of_the_caller_ends_the_call() -> None:
    async def scenario() -> None:
        agent = replace(AGENT, end_call_phrases=("Good-bye!",), first_message="Good bye is what ends a call.")
        call = Call(plan(agent))
        for count in (1, 3, 5):
            await call.until(lambda count=count: len(call.texts) == count)
            call.speak(1.0)
        ended = await call.ended()
        assert ended.reason is EndReason.END_CALL_PHRASE
        assert call.texts[-1] == ("user", "thanks that's all, good bye")

    run_virtually(scenario())


def test_silence_ends_the_call_but_not_while_it_is_held() -> None:
    async def scenario() -> None:
        call = Call(plan(replace(AGENT, silence_timeout_seconds=5)))
        await call.until(lambda: call.texts)
        call.leg.hold()
        await asyncio.sleep(60)
        call.leg.resume()
        ended = await call.ended()
        assert ended.reason is EndReason.SILENCE_TIMEOUT
        assert ended.at_ms == pytest.approx(65_300, abs=200)
        assert [event.held for event in call.of(HoldChanged)] == [True, False]

    run_virtually(scenario())


def test_silence_is_no_end_when_switched_off_and_the_longest_call_is() -> None:
    async def scenario() -> None:
        call = Call(plan(replace(AGENT, silence_timeout_seconds=0, max_duration_seconds=30)))
        ended = await call.ended()
        assert ended.reason is EndReason.MAX_DURATION
        assert ended.at_ms == 30_000
        assert not ended.failed

    run_virtually(scenario())


def test_keys_and_stop() -> None:
    async def scenario() -> None:
        call = Call(plan())
        await call.until(lambda: call.texts)
        call.leg.press("5")
        call.leg.press("#")
        await asyncio.sleep(0.1)
        call.stop.set()
        assert (await call.ended()).reason is EndReason.API_STOP
        assert [event.digit for event in call.of(DtmfReceived)] == ["5", "#"]

    run_virtually(scenario())


@pytest.mark.parametrize("after_ms", [0, 40, 100, 300, 900, 1500, 1700, 1900, 2100, 3000])
def test_the_caller_hangs_up_whenever_they_like(after_ms: int) -> None:
    """During the greeting, while speaking, while the brain thinks, during the answer, in the silence after it."""

    async def scenario() -> None:
        call = Call(plan(replace(AGENT, system_prompt="SCRIPT: !delay 0.3 We open at nine.")))
        call.leg.speak(bytes(320) * 20)
        call.speak(0.8)
        await asyncio.sleep(after_ms / 1000 + 0.001)
        call.leg.stop()
        ended = await call.ended(5)
        assert ended.reason is (EndReason.CALLER_HANGUP if call.of(CallAnswered) else EndReason.CANCELLED)

    run_virtually(scenario())


def test_words_of_the_agent_that_were_cut_by_hanging_up_are_kept() -> None:
    async def scenario() -> None:
        call = Call(plan(replace(AGENT, first_message=LONG)))
        await asyncio.sleep(2.0)
        call.leg.stop()
        await call.ended()
        (said,) = call.of(Said)
        assert said.interrupted
        assert 20 <= len(said.text.split()) <= 34

    run_virtually(scenario())


def test_a_call_that_is_gone_before_the_answer() -> None:
    async def scenario() -> None:
        gone = LegScript(failure=MediaGone("embedded", "The call is gone.", retryable=False))
        call = Call(plan(), ScriptedLeg(script=gone))
        ended = await call.ended()
        assert (ended.reason, ended.failed, ended.at_ms) == (EndReason.CANCELLED, True, 0)
        assert call.recorder.state == "discarded"
        assert not call.of(CallAnswered)

    run_virtually(scenario())


@pytest.mark.parametrize("answered", [True, False])
def test_a_call_that_its_plane_loses_is_a_failure_of_ours(answered: bool) -> None:
    async def scenario() -> None:
        call = Call(plan())
        await call.until(lambda: call.texts) if answered else call.leg.lose("The media engine died.")
        call.leg.lose("The media engine died.")
        ended = await call.ended()
        assert (ended.reason, ended.failed, ended.detail) == (EndReason.WORKER_ERROR, True, "The media engine died.")

    run_virtually(scenario())


def test_a_recording_that_hangs_holds_the_end_of_its_call_up_for_seconds_only() -> None:
    async def scenario() -> None:
        call = Call(plan())
        call.recorder.finish = asyncio.Event().wait  # type: ignore[method-assign,assignment]
        await call.until(lambda: call.texts)
        call.leg.stop()
        ended = await asyncio.wait_for(call.task, 20)
        assert [event.reason for event in call.of(RecordingLost)] == [
            "The recording could not be completed within 10 s."
        ]
        assert (ended.reason, ended.failed) == (EndReason.CALLER_HANGUP, False)
        assert call.events[-1] is ended

    run_virtually(scenario())


def test_recording_is_kept_only_where_the_agent_wants_it() -> None:
    async def scenario(wanted: bool) -> Call:
        call = Call(plan(replace(AGENT, enable_recording=wanted)))
        await call.until(lambda: call.texts)
        call.leg.stop()
        await call.ended()
        return call

    kept = run_virtually(scenario(True))
    assert kept.recorder.state == "finished"
    assert kept.of(RecordingStored)[0].path == "w/call.ogg"
    dropped = run_virtually(scenario(False))
    assert (dropped.recorder.state, dropped.recorder.blocks) == ("discarded", 0)
    assert not dropped.of(RecordingStored)


def test_a_cancelled_worker_still_ends_its_call() -> None:
    async def scenario() -> None:
        call = Call(plan())
        await call.until(lambda: call.texts)
        call.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call.task
        assert call.events[-1].type == "ended"
        assert call.events[-1].reason is EndReason.WORKER_ERROR
        assert call.leg.log == ["answer", "hang_up"]
        assert call.recorder.state == "finished"

    run_virtually(scenario())


def test_no_task_outlives_a_call() -> None:
    async def scenario() -> None:
        for _ in range(3):
            call = Call(plan())
            await call.until(lambda call=call: call.texts)
            call.speak(0.5)
            await asyncio.sleep(1.5)
            call.leg.stop()
            await call.ended()
        await asyncio.sleep(3)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(scenario())


def test_responsiveness_and_speed_are_passed_on() -> None:
    async def scenario(responsiveness: float, speed: float) -> tuple[int, int]:
        call = Call(plan(replace(AGENT, responsiveness=responsiveness, tts=TtsChoice("scripted", speed=speed))))
        await call.until(lambda: call.texts)
        call.speak(1.0)
        await call.until(lambda: len(call.texts) == 3)
        call.stop.set()
        await call.ended()
        return call.of(TurnMeasured)[0].eou_delay_ms, call.of(Said)[2].end_ms - call.of(Said)[2].at_ms

    slow, fast = run_virtually(scenario(0.0, 0.5)), run_virtually(scenario(1.0, 2.0))
    assert slow[0] == pytest.approx(1000, abs=20)
    assert fast[0] == pytest.approx(200, abs=20)
    assert slow[1] > 3 * fast[1]


def test_an_agent_without_first_message_waits_for_the_caller() -> None:
    async def scenario() -> None:
        call = Call(plan(replace(AGENT, first_message=None, silence_timeout_seconds=60)))
        await asyncio.sleep(20)
        assert not call.texts
        call.speak(1.0)
        await call.until(lambda: len(call.texts) == 2)
        assert call.texts[0] == ("user", "when do you open")
        call.stop.set()
        await call.ended()

    run_virtually(scenario())


def test_silent_audio_is_silent() -> None:
    """What the agent does not say is digital silence, so that a recording shows who spoke when."""

    async def scenario() -> None:
        call = Call(plan(replace(AGENT, stt=SttChoice("scripted", "default"))))
        await call.until(lambda: call.texts)
        before = len(call.leg.said)
        await asyncio.sleep(2)
        quiet = np.frombuffer(b"".join(call.leg.said[before:]), np.int16)
        assert not quiet.any()
        call.stop.set()
        await call.ended()

    run_virtually(scenario())
