"""Answers that are begun before the caller's turn is known to be over."""

from dataclasses import replace

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import NOT_GIVEN, APIConnectOptions, LanguageCode, NotGivenOr, stt, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from tests.conversation.caller import AGENT, Call, ScriptedSpeech, plan
from tests.conversation.virtual import run_virtually

from oneinbox.adapters.media.scripted.leg import LEAD_MS
from oneinbox.contracts.events import TurnMeasured
from oneinbox.contracts.plan import SttChoice

Kind = stt.SpeechEventType
LOOKS_FRAMES, ENDS_FRAMES = 10, 30


class Eager(stt.STT[str]):
    """Takes 200 ms of silence for a likely end, 600 ms for a sure one."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))

    async def _recognize_impl(
        self, buffer: utils.AudioBuffer, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        raise NotImplementedError

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        return EagerStream(stt=self, conn_options=conn_options)


class EagerStream(stt.RecognizeStream):
    async def _run(self) -> None:
        quiet, pieces = None, 0
        async for frame in self._input_ch:
            if not isinstance(frame, rtc.AudioFrame):
                continue
            if np.frombuffer(frame.data, np.int16).any():
                if quiet is None:
                    self._tell(Kind.START_OF_SPEECH, "")
                elif quiet >= LOOKS_FRAMES:
                    self._tell(Kind.INTERIM_TRANSCRIPT, "\u2026")
                pieces += quiet is None or quiet >= LOOKS_FRAMES
                quiet = 0
            elif quiet is not None:
                quiet += 1
                if quiet == LOOKS_FRAMES:
                    self._tell(Kind.PREFLIGHT_TRANSCRIPT, f"{pieces} pieces")
                elif quiet == ENDS_FRAMES:
                    self._tell(Kind.FINAL_TRANSCRIPT, f"{pieces} pieces")
                    self._tell(Kind.END_OF_SPEECH, f"{pieces} pieces")
                    quiet = None

    def _tell(self, kind: stt.SpeechEventType, text: str) -> None:
        self._event_ch.send_nowait(stt.SpeechEvent(kind, alternatives=[stt.SpeechData(LanguageCode("en"), text)]))


class EagerSpeech(ScriptedSpeech):
    def recogniser(self, choice: SttChoice, *, responsiveness: float) -> stt.STT[str]:
        return Eager()


def call_with(script: str) -> Call:
    return Call(plan(replace(AGENT, system_prompt=script)), speech=EagerSpeech())


def test_what_is_thought_in_the_pause_is_heard_at_its_end() -> None:
    async def scenario() -> None:
        call = call_with("SCRIPT: !delay 0.3 Nine o'clock.")
        await call.until(lambda: call.texts)
        call.speak(1.0)
        await call.until(lambda: len(call.texts) == 3)
        (turn,) = call.of(TurnMeasured)
        assert turn.llm_ttft_ms == pytest.approx(300, abs=20)
        assert turn.tts_ttfb_ms is not None
        assert turn.perceived_ms - (turn.eou_delay_ms or 0) <= LEAD_MS + 60
        call.stop.set()
        await call.ended()

    run_virtually(scenario())


def test_who_goes_on_hears_no_answer_to_half_a_question() -> None:
    async def scenario() -> None:
        call = call_with("")
        await call.until(lambda: call.texts)
        call.speak(1.0)
        call.leg.speak(bytes(320) * 20)
        call.speak(1.0)
        await call.until(lambda: len(call.texts) == 3)
        assert call.texts[1:] == [("user", "2 pieces"), ("agent", "You said: 2 pieces")]
        call.stop.set()
        await call.ended()

    run_virtually(scenario())
