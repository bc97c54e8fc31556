"""Mu-law by table (ITU-T G.711): sound to and from bytes of RTP, and where in them it is loud."""

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

RATE = 8000
BLOCK = 160
AUDIBLE = 200
"""Peak of 16-bit samples from which a caller counts a sound: -44 dB of full scale."""


def _decoded() -> Samples:
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4 & 7).astype(np.int32)
    magnitude = (((code & 15).astype(np.int32) << 3) + 0x84 << exponent) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


DECODED = _decoded()
_ORDER = np.argsort(DECODED, kind="stable")
_EDGES = (DECODED[_ORDER].astype(np.int32)[1:] + DECODED[_ORDER].astype(np.int32)[:-1]) / 2
_LOUD = bytes(int(abs(int(value)) >= AUDIBLE) for value in DECODED)
SILENCE = b"\xff" * BLOCK


def encode(pcm: bytes) -> bytes:
    """16-bit PCM as mu-law, filled up with silence to whole blocks of 20 ms."""
    samples = np.frombuffer(pcm, "<i2")
    coded = _ORDER[np.searchsorted(_EDGES, samples)].astype(np.uint8).tobytes()
    return coded.ljust(-(-len(coded) // BLOCK) * BLOCK, b"\xff")


def decode(payload: bytes) -> Samples:
    """Mu-law as 16-bit samples."""
    return DECODED[np.frombuffer(payload, np.uint8)]


def first_loud(payload: bytes) -> int | None:
    """The index of the first audible sample; None when there is none."""
    found = payload.translate(_LOUD).find(b"\x01")
    return found if found >= 0 else None


def last_loud(payload: bytes) -> int | None:
    """The index of the last audible sample; None when there is none."""
    found = payload.translate(_LOUD).rfind(b"\x01")
    return found if found >= 0 else None
