"""Turns in a caller's audio as text, without livekit.agents: for voicemail, test calls and the recogniser."""

import asyncio
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oneinbox.adapters.speech.builtin import models
from oneinbox.adapters.speech.builtin.endpointing import Endpointer, Moment, Pauses, sounds_finished
from oneinbox.adapters.speech.builtin.moonshine import MoonshinePool
from oneinbox.adapters.speech.builtin.vad import WINDOW, Samples, TurnEndDetector, VoiceDetector, to_16k

_BEFORE = 1600
_AFTER = 1280


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said from `start_ms` to `end_ms` of the stream, and where in it the turn was taken to be over."""

    text: str
    start_ms: int
    end_ms: int
    decided_ms: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A moment at sample `at`, with the turn's bounds and its audio so far (16 kHz float32, from the pause on)."""

    moment: Moment
    at: int
    start: int
    end: int
    audio: npt.NDArray[np.float32]

    def utterance(self, text: str) -> Utterance:
        """This turn with its text."""
        return Utterance(text, self.start // 8, self.end // 8, self.at // 8)


class Ear:
    """Finds turns in one 8 kHz stream; knows nothing of words."""

    def __init__(self, responsiveness: float) -> None:
        self.endpointer = Endpointer(Pauses.of(responsiveness))
        self._detector = VoiceDetector()
        self._kept: Samples = np.zeros(0, np.int16)
        self._kept_from = 0
        self._judged = 0
        self._start = 0

    def feed(self, block: bytes) -> list[Heard]:
        """Take s16le mono at 8 kHz, any length; the moments it brought, in order."""
        self._kept = np.concatenate([self._kept, np.frombuffer(block, "<i2")])
        moments = []
        while self._judged + WINDOW <= self._kept_from + len(self._kept):
            if (heard := self._window()) is not None:
                moments.append(heard)
        self._forget()
        return moments

    def _window(self) -> Heard | None:
        begin, end = self._judged, self._judged + WINDOW
        self._judged = end
        window = self._kept[begin - self._kept_from : end - self._kept_from]
        moment = self.endpointer.window(self._detector.probability(window), begin, end)
        if moment is None:
            return None
        if moment is Moment.STARTED:
            self._start = self.endpointer.started_at or 0
        return self._heard(moment)

    def _heard(self, moment: Moment) -> Heard:
        until = self.endpointer.spoke_until
        audio = np.zeros(0, np.float32)
        if moment in (Moment.PAUSED, Moment.ENDED):
            first = max(self._kept_from, self._start - _BEFORE) - self._kept_from
            audio = to_16k(self._kept[first : until + _AFTER - self._kept_from])
        return Heard(moment, self._judged, self._start, until, audio)

    def last(self) -> Heard | None:
        """The turn that the end of the stream cut off, if any."""
        return self._heard(Moment.ENDED) if self.endpointer.started_at is not None else None

    def _forget(self) -> None:
        if self.endpointer.started_at is None:
            drop = max(0, self._judged - 2 * _BEFORE - self._kept_from)
            self._kept, self._kept_from = self._kept[drop:], self._kept_from + drop


def confidence(text: str, audio: npt.NDArray[np.float32], ends: TurnEndDetector) -> float:
    """How finished a turn is, 0 to 1: half its wording, half its sound."""
    return (sounds_finished(text) + ends.probability(audio)) / 2


class Listener:
    """Writes down one side of a call as it goes. Blocks about 120 ms at each pause of the speaker."""

    def __init__(self, responsiveness: float = 0.5) -> None:
        self._ear = Ear(responsiveness)
        self._ends = TurnEndDetector()
        self._pool: MoonshinePool = models.moonshine_pool()
        self._text: str | None = None

    def feed(self, block: bytes) -> list[Utterance]:
        """Take s16le mono at 8 kHz; the utterances that ended in it."""
        return [said for heard in self._ear.feed(block) if (said := self._take(heard)) is not None]

    def finish(self) -> list[Utterance]:
        """The utterance that the end of the stream cut off, if any."""
        cut = self._ear.last()
        said = None if cut is None else self._take(cut)
        return [] if said is None else [said]

    def _take(self, heard: Heard) -> Utterance | None:
        match heard.moment:
            case Moment.PAUSED:
                self._text = self._pool.run(heard.audio)
                self._ear.endpointer.judge(confidence(self._text, heard.audio, self._ends))
            case Moment.STARTED | Moment.RESUMED:
                self._text = None
            case Moment.ENDED:
                text = self._pool.run(heard.audio) if self._text is None else self._text
                self._text = None
                return heard.utterance(text) if text else None
        return None


async def transcribe_file(audio: bytes) -> list[Utterance]:
    """The utterances in a whole recording, s16le mono at 8 kHz."""
    return await asyncio.to_thread(_transcribe, audio)


def _transcribe(audio: bytes) -> list[Utterance]:
    listener = Listener()
    return listener.feed(audio) + listener.finish()
