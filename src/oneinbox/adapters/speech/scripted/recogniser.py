"""A recogniser that hears when somebody speaks, and takes the words from a script."""

import numpy as np
from livekit import rtc
from livekit.agents import NOT_GIVEN, APIConnectionError, APIConnectOptions, LanguageCode, NotGivenOr, stt, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

from oneinbox.contracts.plan import SttChoice

ERROR = "!error"
LOUD = 300.0
"""Root mean square of 16-bit samples from which a frame is speech."""
ONSET_SECONDS = 0.06


def pause_seconds(responsiveness: float) -> float:
    """Silence that ends a turn: 1.0 s at 0, 0.6 s at 0.5, 0.2 s at 1."""
    return 1.0 - 0.8 * responsiveness


class ScriptedRecogniser:
    """Makes recognisers. `SttChoice.model` is the script: the transcripts in order, separated by `|`.

    The last transcript repeats; with the model `default` the nth is `utterance n`; `!error` instead of a transcript
    breaks the stream at the end of that utterance.
    """

    def __call__(self, choice: SttChoice, *, responsiveness: float) -> stt.STT[str]:
        lines = () if choice.model == "default" else tuple(line.strip() for line in choice.model.split("|"))
        return _ScriptedSTT(lines, LanguageCode(choice.language), pause_seconds(responsiveness))


class _ScriptedSTT(stt.STT[str]):
    def __init__(self, lines: tuple[str, ...], language: LanguageCode, pause: float) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(streaming=True, interim_results=False, offline_recognize=False)
        )
        self.language = language
        self.pause = pause
        self._lines = lines
        self._count = 0

    def next_line(self) -> str:
        """The transcript of the next utterance."""
        self._count += 1
        if not self._lines:
            return f"utterance {self._count}"
        return self._lines[min(self._count, len(self._lines)) - 1]

    async def _recognize_impl(
        self, buffer: utils.AudioBuffer, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        raise NotImplementedError("The scripted recogniser only streams.")

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        return _ScriptedStream(self, conn_options)


class _ScriptedStream(stt.RecognizeStream):
    """Endpoints by energy; times are seconds since the stream's first frame."""

    def __init__(self, owner: _ScriptedSTT, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=owner, conn_options=conn_options)
        self._owner = owner
        self._clock = 0.0
        self._onset = 0.0
        self._began: float | None = None
        self._last_loud = 0.0

    async def _run(self) -> None:
        async for frame in self._input_ch:
            if isinstance(frame, rtc.AudioFrame):
                self._hear(frame)
        if self._began is not None:
            self._finish()

    def _hear(self, frame: rtc.AudioFrame) -> None:
        samples = np.frombuffer(frame.data, np.int16).astype(np.float32)
        loud = float(samples @ samples) > LOUD * LOUD * len(samples)
        self._clock += frame.duration
        if loud:
            self._onset += frame.duration
            self._last_loud = self._clock
            if self._began is None and self._onset >= ONSET_SECONDS - 1e-6:
                self._began = self._clock - self._onset
                self._event_ch.send_nowait(stt.SpeechEvent(type=stt.SpeechEventType.START_OF_SPEECH))
        else:
            self._onset = 0.0
            if self._began is not None and self._clock - self._last_loud >= self._owner.pause - 1e-6:
                self._finish()

    def _finish(self) -> None:
        text = self._owner.next_line()
        if text == ERROR:
            raise APIConnectionError("The script says that the recogniser breaks.", retryable=False)
        began, self._began = self._began or 0.0, None
        data = stt.SpeechData(
            language=self._owner.language, text=text, start_time=began, end_time=self._last_loud, confidence=1.0
        )
        for kind in (stt.SpeechEventType.FINAL_TRANSCRIPT, stt.SpeechEventType.END_OF_SPEECH):
            self._event_ch.send_nowait(stt.SpeechEvent(type=kind, alternatives=[data]))
