"""Both directions of a call's audio between the 20 ms tick and the engine's rings, whose clock is its own."""

from collections import deque
from typing import Protocol

import numpy as np
from baresip import AudioInfo, AudioNotActive, AudioRestarted

from oneinbox.contracts.media import BLOCK_BYTES, BLOCK_MS

LEAD_BLOCKS = 3
"""Blocks kept ahead in the send ring: lockstep with the engine's clock gave gaps, 60 ms ahead gave none."""
SLACK_BLOCKS = 2
"""Heard blocks that may wait for the next tick: arrivals and ticks are not in step."""
MOST_LATE_BLOCKS = 10
READ_BLOCKS = 50
"""All that the engine keeps before it drops the oldest."""
AUDIBLE = 64
"""Peak of 16-bit samples from which a block counts as sound; G.711's idle noise stays below."""
SILENCE = bytes(BLOCK_BYTES)


class Ring(Protocol):
    """The engine's side, as baresip's CallAudio. All but `info` raise AudioNotActive and AudioRestarted."""

    def info(self) -> AudioInfo:
        """Readiness and depths. Raises AudioNotActive."""
        ...

    def write(self, pcm: bytes, /) -> int:
        """Bytes taken."""
        ...

    def read(self, max_bytes: int, /) -> bytes:
        """What has come."""
        ...

    def flush_tx(self) -> None:
        """Drop what has not been sent."""
        ...


class Mouth:
    """What is said: queued here, and kept `lead_blocks` ahead of the line in the send ring."""

    def __init__(self, ring: Ring) -> None:
        self.queue = bytearray()
        self.lead_blocks = LEAD_BLOCKS
        self._ring = ring
        self._handed: deque[int] = deque(maxlen=64)
        """Bytes of the queue in each of the last blocks written; 0 for filling."""

    def tick(self) -> bytes:
        """The block that was handed over: silence while the ring is full enough after a stall, or away on hold."""
        try:
            info = self._ring.info()
            if not info.tx_ready:
                return SILENCE
            self.lead_blocks = LEAD_BLOCKS + max(0, -(-info.tx_ptime_ms // BLOCK_MS) - 1)
            return self._hand_over(info.tx_buffered // BLOCK_BYTES)
        except (AudioNotActive, AudioRestarted):
            self._handed.clear()
            return SILENCE

    def flush(self) -> int:
        """Drop what is queued, here and in the ring. Returns the samples of the queue that nobody will hear."""
        dropped = len(self.queue)
        self.queue.clear()
        try:
            waiting = self._ring.info().tx_buffered // BLOCK_BYTES
            self._ring.flush_tx()
            dropped += sum(list(self._handed)[-waiting:]) if waiting else 0
        except (AudioNotActive, AudioRestarted):
            pass
        self._handed.clear()
        return dropped // 2

    def _hand_over(self, depth: int) -> bytes:
        # A ring too deep is let run down, at once in a pause; within speech one block more does less harm than a gap.
        if depth > (self.lead_blocks if self.queue else self.lead_blocks - 1):
            return SILENCE
        if depth == 0 or not self.queue:
            for _ in range(self.lead_blocks - 1 - depth):
                self._write(SILENCE, 0)
        said = bytes(self.queue[:BLOCK_BYTES])
        block = said.ljust(BLOCK_BYTES, b"\0")
        if not self._write(block, len(said)):
            return SILENCE
        del self.queue[:BLOCK_BYTES]
        return block

    def _write(self, block: bytes, said: int) -> bool:
        taken = self._ring.write(block) == BLOCK_BYTES
        if taken:
            self._handed.append(said)
        return taken


class Hearing:
    """What is heard, a block a tick, never long behind the line."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._waiting = bytearray()

    def tick(self, owed: int) -> bytes:
        """The next block, silence when none has come; `owed` more ticks are due at once and will take what waits."""
        try:
            self._waiting += self._ring.read(READ_BLOCKS * BLOCK_BYTES)
        except (AudioNotActive, AudioRestarted):
            self._waiting.clear()
        if len(self._waiting) < BLOCK_BYTES:
            return SILENCE
        block = bytes(self._waiting[:BLOCK_BYTES])
        del self._waiting[:BLOCK_BYTES]
        if len(self._waiting) > (SLACK_BLOCKS + owed) * BLOCK_BYTES:
            self._hurry(owed)
        return block

    def _hurry(self, owed: int) -> None:
        """Catch up by leaving pauses out; only what is very late is dropped though it has sound."""
        spare = len(self._waiting) // BLOCK_BYTES - SLACK_BLOCKS - owed
        kept = bytearray()
        for at in range(0, len(self._waiting), BLOCK_BYTES):
            block = self._waiting[at : at + BLOCK_BYTES]
            if spare > 0 and len(block) == BLOCK_BYTES and (spare > MOST_LATE_BLOCKS or not _audible(block)):
                spare -= 1
            else:
                kept += block
        self._waiting = kept


def _audible(block: bytearray) -> bool:
    return bool(np.abs(np.frombuffer(block, "<i2").astype(np.int32)).max() >= AUDIBLE)
