"""The mouth of a call: PCM handed to the leg just ahead of its clock, so that the position is true."""

import asyncio
from collections import deque
from dataclasses import dataclass

from oneinbox.contracts.media import BLOCK_BYTES, BLOCK_MS, BLOCK_SAMPLES, CallLeg

AHEAD_SAMPLES = 4 * BLOCK_SAMPLES


@dataclass(frozen=True, slots=True)
class Played:
    """A finished segment: what was heard of it."""

    seconds: float
    interrupted: bool


class Speaker:
    """Plays one segment at a time. `tick` is called once a block."""

    def __init__(self, leg: CallLeg) -> None:
        self._leg = leg
        self._pending: deque[bytes] = deque()
        self._offset = 0
        self._fed = 0
        self._sealed = False
        self.idle = asyncio.Event()
        self.idle.set()

    @property
    def played_samples(self) -> int:
        """Samples of the open segment that have left."""
        return max(0, self._fed - self._leg.queued_samples)

    def push(self, pcm: bytes) -> None:
        """Add audio to the open segment, opening one if there is none."""
        if self.idle.is_set():
            self.idle.clear()
            self._fed = 0
            self._sealed = False
        self._pending.append(pcm)
        self._feed()

    def seal(self) -> None:
        """The open segment is complete."""
        self._sealed = True

    def tick(self) -> Played | None:
        """Hand over what is due; the segment that has just been played to its end, if any."""
        if self.idle.is_set():
            return None
        self._feed()
        if not self._sealed or self._pending or self._leg.queued_samples:
            return None
        self.idle.set()
        return Played(self._fed * BLOCK_MS / 1000 / BLOCK_SAMPLES, interrupted=False)

    def cut(self) -> Played | None:
        """Stop at once; at most one block still leaves. What was played of the open segment, if there is one."""
        if self.idle.is_set():
            return None
        dropped = self._leg.flush()
        self._pending.clear()
        self._offset = 0
        self.idle.set()
        return Played(max(0, self._fed - dropped) * BLOCK_MS / 1000 / BLOCK_SAMPLES, interrupted=True)

    def _feed(self) -> None:
        while self._leg.queued_samples < AHEAD_SAMPLES and (block := self._next_block()):
            self._leg.play(block)
            self._fed += BLOCK_SAMPLES

    def _next_block(self) -> bytes:
        """A whole block; the last of a sealed segment is filled up with silence; b"" while there is too little."""
        first = self._pending[0] if self._pending else b""
        if len(first) - self._offset >= BLOCK_BYTES:
            block = first[self._offset : self._offset + BLOCK_BYTES]
            self._advance(BLOCK_BYTES)
            return block
        rest = b"".join(self._pending)[self._offset :]
        if len(rest) < BLOCK_BYTES and not (self._sealed and rest):
            return b""
        self._pending.clear()
        self._offset = 0
        if len(rest) > BLOCK_BYTES:
            self._pending.append(rest[BLOCK_BYTES:])
        return rest[:BLOCK_BYTES].ljust(BLOCK_BYTES, b"\0")

    def _advance(self, count: int) -> None:
        self._offset += count
        if self._offset == len(self._pending[0]):
            self._pending.popleft()
            self._offset = 0
