"""How likely each 32 ms of a caller's audio is speech, and how much a pause sounds like the end of a turn."""

import numpy as np
import numpy.typing as npt
import soxr
from livekit.local_inference import EOT, EOT_MAX_SAMPLES, VAD

Samples = npt.NDArray[np.int16]

WINDOW = 256
"""Samples at 8 kHz the detector judges at a time: 32 ms."""

_REACH = 15
_TAPS = (np.sinc(np.arange(-_REACH, _REACH + 1) / 2) * np.hamming(2 * _REACH + 1)).astype(np.float32)


class VoiceDetector:
    """One stream's detector. Fed 8 kHz audio, it doubles the rate with a half-band filter (1 ms late)."""

    def __init__(self) -> None:
        self._vad = VAD()
        self._tail = np.zeros(_REACH, np.float32)

    def probability(self, window: Samples) -> float:
        """That `window` (exactly WINDOW samples at 8 kHz) is speech, 0 to 1."""
        joined = np.concatenate([self._tail, window.astype(np.float32)])
        self._tail = joined[-_REACH:]
        spread = np.zeros(2 * len(joined), np.float32)
        spread[::2] = joined
        doubled = np.convolve(spread, _TAPS, "valid")[-2 * WINDOW :]
        return float(self._vad.predict(np.clip(doubled, -32768, 32767).astype(np.int16)))


class TurnEndDetector:
    """Judges by sound alone whether the caller is done."""

    def __init__(self) -> None:
        self._eot = EOT()

    def probability(self, audio: npt.NDArray[np.float32]) -> float:
        """That the turn ends with `audio` (16 kHz, -1 to 1; the last 1.2 s count), 0 to 1."""
        recent = np.clip(audio[-EOT_MAX_SAMPLES:], -1, 1)
        return float(self._eot.predict((recent * 32767).astype(np.int16)))


def to_16k(samples: Samples) -> npt.NDArray[np.float32]:
    """8 kHz s16 to 16 kHz float32, -1 to 1."""
    doubled: npt.NDArray[np.float32] = soxr.resample(samples.astype(np.float32) / 32768, 8000, 16000)
    return doubled.astype(np.float32)
