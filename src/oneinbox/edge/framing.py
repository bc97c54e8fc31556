"""Messages out of a stream: cut by Content-Length (RFC 3261, section 18.3), with the pings between them (RFC 5626)."""

import re
from enum import Enum

MOST_HEAD_BYTES = 32 * 1024
MOST_BODY_BYTES = 64 * 1024
PING = b"\r\n\r\n"
PONG = b"\r\n"

_BLANK = re.compile(rb"[\r\n]*+")
_LENGTH = re.compile(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(?:\r\n[ \t]+)?([0-9]{1,9})[ \t]*\r?$")


class Signal(Enum):
    """What is not a message."""

    PING = 1
    """Answer with PONG; there is one for all that came at once."""
    LOST = 2
    """Nobody can tell where the next message begins: answer what came before, then close."""


class Framer:
    """Takes bytes as they come; gives whole messages. Holds no more than one message of the greatest size."""

    def __init__(self) -> None:
        self._held = b""
        self._at = 0
        self._least = 0
        """How much must be held before another look is worth while."""
        self._lost = False

    @property
    def is_empty(self) -> bool:
        """Is no message begun?"""
        return not self._held.strip(b"\r\n")

    def feed(self, data: bytes) -> list[bytes | Signal]:
        """What is complete now. After LOST nothing comes any more."""
        if self._lost:
            return []
        self._held += data
        if len(self._held) < self._least:
            return []
        found: list[bytes | Signal] = []
        self._at = self._least = 0
        while not self._lost:
            if self._pinged() and Signal.PING not in found:
                found.append(Signal.PING)
            one = self._next()
            if one is None:
                break
            found.append(one)
        self._held = self._held[self._at :]
        return [*found, Signal.LOST] if self._lost else found

    def rest(self) -> bytes:
        """What is left when the stream has ended: half a message, to be judged as it is."""
        held, self._held = self._held, b""
        return b"" if self._lost else held.lstrip(b"\r\n")

    def _pinged(self) -> bool:
        """Pass over blank lines. Was there a ping among them? The beginning of one at the very end is kept."""
        blank = _BLANK.match(self._held, self._at)
        assert blank is not None
        self._at = blank.end()
        if self._at == len(self._held):
            self._at -= len(blank[0]) % len(PING)
        return PING in blank[0]

    def _next(self) -> bytes | None:
        start = self._at
        end = self._held.find(b"\r\n\r\n", start)
        if end < 0:
            return self._give_up() if len(self._held) - start > MOST_HEAD_BYTES else None
        return self._message(end + 4)

    def _message(self, body: int) -> bytes | None:
        start = self._at
        lengths = set(_LENGTH.findall(self._held, start, body))
        length = int(lengths.pop()) if len(lengths) == 1 else -1
        if not 0 <= length <= MOST_BODY_BYTES or body - start > MOST_HEAD_BYTES:
            return self._give_up()
        if len(self._held) < body + length:
            self._least = body + length - start
            return None
        self._at = body + length
        return self._held[start : self._at]

    def _give_up(self) -> bytes:
        """The whole rest as one message: the core says what is wrong with it."""
        message, self._at, self._lost = self._held[self._at :], len(self._held), True
        return message
