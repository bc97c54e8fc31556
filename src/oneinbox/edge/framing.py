"""Messages out of a stream: cut by Content-Length (RFC 3261, section 18.3), with the pings between them (RFC 5626)."""

import re
from enum import Enum

MOST_HEAD_BYTES = 32 * 1024
MOST_BODY_BYTES = 64 * 1024
PING = b"\r\n\r\n"
PONG = b"\r\n"

_LENGTH = re.compile(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(?:\r\n[ \t]+)?([0-9]{1,9})[ \t]*\r?$")


class Signal(Enum):
    """What is not a message."""

    PING = 1
    """Answer with PONG."""
    LOST = 2
    """Nobody can tell where the next message begins: answer what came before, then close."""


class Framer:
    """Takes bytes as they come; gives whole messages. Holds no more than one message of the greatest size."""

    def __init__(self) -> None:
        self._held = b""
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
        found: list[bytes | Signal] = []
        while (one := self._next()) is not None:
            found.append(one)
            if self._lost:
                found.append(Signal.LOST)
                break
        return found

    def rest(self) -> bytes:
        """What is left when the stream has ended: half a message, to be judged as it is."""
        held, self._held = self._held, b""
        return b"" if self._lost else held.lstrip(b"\r\n")

    def _next(self) -> bytes | Signal | None:
        if self._held.startswith(PING):
            self._held = self._held[len(PING) :]
            return Signal.PING
        start = len(self._held) - len(self._held.lstrip(b"\r\n"))
        end = self._held.find(b"\r\n\r\n", start)
        if start == len(self._held):
            self._held = self._held[-3:] if start < 4 else b""
            return None
        if end < 0:
            return self._give_up(start) if len(self._held) - start > MOST_HEAD_BYTES else None
        return self._message(start, end + 4)

    def _message(self, start: int, body: int) -> bytes | None:
        lengths = set(_LENGTH.findall(self._held, start, body))
        length = int(lengths.pop()) if len(lengths) == 1 else -1
        if not 0 <= length <= MOST_BODY_BYTES or body - start > MOST_HEAD_BYTES:
            return self._give_up(start)
        if len(self._held) < body + length:
            return None
        message, self._held = self._held[start : body + length], self._held[body + length :]
        return message

    def _give_up(self, start: int) -> bytes:
        """The whole rest as one message: the core says what is wrong with it."""
        message, self._held, self._lost = self._held[start:], b"", True
        return message
