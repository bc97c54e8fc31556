"""The builtin recogniser as a livekit STT that decides turns itself."""

import asyncio
from uuid import uuid4

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectOptions, LanguageCode, stt
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer, combine_frames

from oneinbox.adapters.speech.builtin import models
from oneinbox.adapters.speech.builtin.endpointing import LIKELY, Moment
from oneinbox.adapters.speech.builtin.listening import Ear, Heard, confidence, transcribe_file
from oneinbox.adapters.speech.builtin.moonshine import MoonshinePool
from oneinbox.adapters.speech.builtin.vad import TurnEndDetector
from oneinbox.contracts.plan import SttChoice

_RATE = 8000
_ENGLISH = LanguageCode("en")
MORE = "\u2026"
"""Stands for the words of a caller who goes on, until they are known."""


class BuiltinRecogniser:
    """Makes recognisers that share the process's models."""

    def __call__(self, choice: SttChoice, *, responsiveness: float) -> stt.STT[str]:
        """A recogniser for one call; `responsiveness` 0 to 1 is how soon a pause ends a turn."""
        return BuiltinStt(models.moonshine_pool(), responsiveness)


class BuiltinStt(stt.STT[str]):
    """English over the telephone. Times in its events are seconds of the stream's own audio."""

    def __init__(self, pool: MoonshinePool, responsiveness: float) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))
        self.pool = pool
        self.responsiveness = responsiveness

    @property
    def model(self) -> str:
        """The model's name."""
        return "moonshine-tiny-en"

    @property
    def provider(self) -> str:
        """The provider's name."""
        return "builtin"

    async def _recognize_impl(
        self, buffer: AudioBuffer, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        said = await transcribe_file(_at_8k(combine_frames(buffer)))
        text = " ".join(utterance.text for utterance in said)
        data = stt.SpeechData(_ENGLISH, text, confidence=1.0 if text else 0.0)
        return stt.SpeechEvent(stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[data])

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        """A stream for one caller."""
        return BuiltinStream(self, conn_options)


class BuiltinStream(stt.RecognizeStream):
    """One caller's speech; transcribes at each short pause and drops the result if the caller goes on."""

    def __init__(self, owner: BuiltinStt, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=owner, conn_options=conn_options, sample_rate=_RATE)
        self._pool = owner.pool
        self._ear = Ear(owner.responsiveness)
        self._ends = TurnEndDetector()
        self._eager: asyncio.Task[tuple[str, float]] | None = None
        self._announced = False
        self._preflight = False
        self._turn = ""

    async def _run(self) -> None:
        try:
            async for item in self._input_ch:
                if isinstance(item, rtc.AudioFrame):
                    for heard in self._ear.feed(bytes(item.data)):
                        await self._take(heard)
                    self._look()
            if (cut := self._ear.last()) is not None:
                await self._end(cut)
        finally:
            self._drop()

    async def _take(self, heard: Heard) -> None:
        match heard.moment:
            case Moment.STARTED:
                self._turn = uuid4().hex
                self._emit(stt.SpeechEventType.START_OF_SPEECH, heard)
            case Moment.PAUSED:
                self._start_eager(heard)
            case Moment.RESUMED:
                self._drop()
                self._go_on()
            case Moment.ENDED:
                await self._end(heard)

    def _start_eager(self, heard: Heard) -> None:
        self._announced = False
        self._eager = asyncio.create_task(self._transcribe(heard), name="eager transcription")

    async def _transcribe(self, heard: Heard) -> tuple[str, float]:
        text = await self._pool.transcribe(heard.audio)
        return text, confidence(text, heard.audio, self._ends)

    def _look(self) -> None:
        """Use an eager transcript as soon as it is there; where the turn may well be over, an answer can be begun."""
        if self._eager is None or not self._eager.done() or self._announced:
            return
        self._announced = True
        text, sureness = self._eager.result()
        self._ear.endpointer.judge(sureness)
        if text:
            self._preflight = sureness >= LIKELY
            kind = (
                stt.SpeechEventType.PREFLIGHT_TRANSCRIPT if self._preflight else stt.SpeechEventType.INTERIM_TRANSCRIPT
            )
            self._send(kind, stt.SpeechData(_ENGLISH, text))

    def _go_on(self) -> None:
        """The caller goes on: an answer that has been begun is out of date."""
        if self._preflight:
            self._preflight = False
            self._send(stt.SpeechEventType.INTERIM_TRANSCRIPT, stt.SpeechData(_ENGLISH, MORE))

    async def _end(self, heard: Heard) -> None:
        if self._eager is None:
            self._start_eager(heard)
        assert self._eager is not None
        text, _ = await self._eager
        self._eager = None
        self._preflight = False
        if text:
            self._emit(stt.SpeechEventType.FINAL_TRANSCRIPT, heard, text)
        self._emit(stt.SpeechEventType.END_OF_SPEECH, heard, text)

    def _drop(self) -> None:
        if self._eager is not None:
            self._eager.cancel()
            self._eager = None

    def _emit(self, kind: stt.SpeechEventType, heard: Heard, text: str = "") -> None:
        data = stt.SpeechData(
            _ENGLISH,
            text,
            start_time=heard.start / _RATE,
            end_time=heard.end / _RATE,
            confidence=1.0 if text else 0.0,
            metadata={"decided_time": heard.at / _RATE},
        )
        self._send(kind, data)

    def _send(self, kind: stt.SpeechEventType, data: stt.SpeechData) -> None:
        self._event_ch.send_nowait(stt.SpeechEvent(kind, request_id=self._turn, alternatives=[data]))


def _at_8k(frame: rtc.AudioFrame) -> bytes:
    if frame.sample_rate == _RATE:
        return bytes(frame.data)
    resampler = rtc.AudioResampler(frame.sample_rate, _RATE)
    parts = [*resampler.push(frame), *resampler.flush()]
    return np.concatenate([np.frombuffer(part.data, "<i2") for part in parts]).tobytes()
