"""When a caller starts and ends a turn: decided from speech probabilities, counted in samples, without a clock."""

import re
from dataclasses import dataclass
from enum import StrEnum

RATE = 8000
_SPEECH, _SILENCE = 0.5, 0.35
_WINDOWS_TO_START = 3
_WINDOWS_TO_RESUME = 2
_PAUSE = RATE * 160 // 1000
_HANGOVER = RATE * 64 // 1000
"""So long after the last sound the detector still takes a telephone line for speech: 38 to 100 ms, measured on 13
sentences."""
_LONGEST_TURN = RATE * 30
SURE, LIKELY = 0.6, 0.35
"""How finished a turn must sound to end after the shortest, or the middle pause."""
_UNFINISHED = frozenset(
    [
        "um",
        "uh",
        "er",
        "and",
        "or",
        "but",
        "because",
        "so",
        "the",
        "a",
        "an",
        "to",
        "for",
        "of",
        "with",
        "my",
        "is",
        "at",
        "if",
        "that",
        "after",
        "before",
        "about",
        "like",
        "dot",
    ]
)


class Moment(StrEnum):
    """What happened in a caller's audio."""

    STARTED = "started"
    PAUSED = "paused"
    """Silent long enough to look at what was said; the turn may go on."""
    RESUMED = "resumed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Pauses:
    """How many samples of silence end a turn, by how finished it sounds."""

    sure: int
    likely: int
    unsure: int

    @classmethod
    def of(cls, responsiveness: float) -> "Pauses":
        """0.5 waits 500, 700 or 1000 ms; 1 waits 256, 450 or 900; 0 waits 900, 1200 or 1600."""
        slow, middle, quick = (900, 1200, 1600), (500, 700, 1000), (256, 450, 900)
        share = min(max(responsiveness, 0.0), 1.0) * 2
        low, high = (slow, middle) if share <= 1 else (middle, quick)
        share -= 0 if share <= 1 else 1
        return cls(*(round((a + (b - a) * share) * RATE / 1000) for a, b in zip(low, high, strict=True)))

    def needed(self, confidence: float) -> int:
        """Samples of silence that end a turn which sounds finished with `confidence`, 0 to 1."""
        if confidence >= SURE:
            return self.sure
        return self.likely if confidence >= LIKELY else self.unsure


class Endpointer:
    """One caller's turns. Times are sample positions at 8 kHz since the stream began."""

    def __init__(self, pauses: Pauses) -> None:
        self._pauses = pauses
        self._run = 0
        self._confidence: float | None = None
        self._paused = False
        self.started_at: int | None = None
        self.spoke_until = 0

    def window(self, probability: float, begin: int, end: int) -> Moment | None:
        """Take one window [begin, end) that is speech with `probability`; say what it brought about."""
        self._run = self._run + 1 if probability > _SPEECH else 0
        if self.started_at is None:
            return self._maybe_start(begin, end)
        if self._paused and self._run < _WINDOWS_TO_RESUME:
            return self._maybe_end(end)
        if probability > _SILENCE:
            self.spoke_until = end - _HANGOVER
        if self._paused:
            self._paused, self._confidence = False, None
            return Moment.RESUMED
        if end - self.spoke_until >= _PAUSE:
            self._paused = True
            return Moment.PAUSED
        return self._finish() if end - self.started_at >= _LONGEST_TURN else None

    def judge(self, confidence: float) -> None:
        """How finished the turn sounds, 0 to 1; counts until the caller goes on."""
        if self._paused:
            self._confidence = confidence

    def _maybe_start(self, begin: int, end: int) -> Moment | None:
        if self._run < _WINDOWS_TO_START:
            return None
        self.started_at = max(0, begin - (_WINDOWS_TO_START - 1) * (end - begin))
        self.spoke_until = end - _HANGOVER
        return Moment.STARTED

    def _maybe_end(self, end: int) -> Moment | None:
        needed = self._pauses.unsure if self._confidence is None else self._pauses.needed(self._confidence)
        return self._finish() if end - self.spoke_until >= needed else None

    def _finish(self) -> Moment:
        self._run, self._paused, self._confidence = 0, False, None
        self.started_at = None
        return Moment.ENDED


def sounds_finished(text: str) -> float:
    """How finished `text` reads, 0 to 1: by its last word and its punctuation."""
    words = re.findall(r"[a-z']+|\d+", text.lower())
    if not words:
        return 0.0
    ending = text.rstrip()
    if words[-1] in _UNFINISHED or ending.endswith((",", "-", "..", "\u2026")):
        return 0.1
    return 0.9 if ending.endswith((".", "?", "!")) else 0.5
