"""Callers whose API key was found good a moment ago: for half a second nobody is asked again."""

import math
from collections import OrderedDict
from dataclasses import dataclass, field

from oneinbox.features.context import Caller
from oneinbox.kit.clock import Clock

MOMENT_SECONDS = 0.5
"""A key that is revoked is refused by other processes after this time, by the process that revokes it at once."""
MOST = 10_000


@dataclass(slots=True)
class Remembered:
    """By the hash of the key; what ends at a time that is known is not remembered beyond it."""

    clock: Clock
    _callers: OrderedDict[bytes, tuple[float, Caller]] = field(default_factory=OrderedDict, repr=False)
    _forgotten_at: float = -math.inf

    def find(self, key_hash: bytes) -> Caller | None:
        """The caller, as long as it is remembered."""
        asked_at, caller = self._callers.get(key_hash, (0.0, None))
        if caller is None or self.clock.monotonic() >= asked_at + MOMENT_SECONDS:
            return None
        return caller if caller.until is None or self.clock.now() < caller.until else None

    def keep(self, key_hash: bytes, caller: Caller, asked_at: float) -> None:
        """The key was good when that was asked, which was at this monotonic time: of before `forget` it is too old."""
        if asked_at <= self._forgotten_at:
            return
        self._callers.pop(key_hash, None)
        self._callers[key_hash] = asked_at, caller
        if len(self._callers) > MOST:
            self._callers.popitem(last=False)

    def forget(self) -> None:
        """Ask for everybody again; whoever is being asked for now may have been read before the change."""
        self._forgotten_at = self.clock.monotonic()
        self._callers.clear()
