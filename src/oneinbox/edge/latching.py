"""Callers behind a NAT whose SDP names an address that only they can reach: their audio goes by way of a latch.

A latch is a port of ours that both sides send to; it passes the agent's audio on to where the caller's comes from
(RFC 7362, sections 4 and 5).
"""

from typing import Protocol, TypeVar

from oneinbox.edge.actions import Address
from oneinbox.edge.dialog import Latch
from oneinbox.edge.fields import Basics
from oneinbox.edge.message import Request, Response
from oneinbox.edge.outside import reached, resized, unreachable
from oneinbox.edge.sdp import audio_at, with_audio_at

MOST_HELD = 2_000
"""More than there are ports."""

M = TypeVar("M", Request, Response)


class Latches(Protocol):
    """Ports that pass audio on; `key` is one call."""

    def open(self, key: str, outside: str, announced: int, port: int = 0) -> Address | None:
        """A latch for a caller at the host `outside` who has announced a port; `port` is the one that it had before.

        None when there is none left.
        """
        ...

    def inside(self, key: str, worker: Address) -> None:
        """The worker's audio comes from here, and the caller's goes there."""
        ...

    def close(self, key: str) -> None:
        """The call is over; harmless when it has no latch."""
        ...

    def end(self) -> None:
        """All calls are."""
        ...


class Latching:
    """Puts latches into offers and answers. Without `latches` audio is sent to where the INVITE came from."""

    def __init__(self, latches: Latches | None) -> None:
        self._latches = latches
        self._held: dict[str, Latch] = {}

    def __len__(self) -> int:
        return len(self._held)

    def holds(self, said: Basics) -> bool:
        """Has this caller's call a latch?"""
        return self.of(said.call_id, said.from_tag) is not None

    def begin(self, invite: Request, said: Basics, source: str) -> Request:
        """An INVITE as a worker can use it; opens a latch where one is needed."""
        if unreachable(invite.body, source) is not None and said.call_id not in self._held:
            self._open(said, source, audio_at(invite.body))
        return self.offer(invite, said, source)

    def offer(self, request: Request, said: Basics, source: str) -> Request:
        """What a caller says inside its dialog, as its worker can use it."""
        if unreachable(request.body, source) is None or not self.holds(said):
            return reached(request, source)
        at = self._held[said.call_id].at
        return resized(request, with_audio_at(request.body, at.host, at.port))

    def answer(self, message: M) -> M:
        """What a worker says, as its caller can use it."""
        held = self.learn(message)
        return message if held is None else resized(message, with_audio_at(message.body, held.at.host, held.at.port))

    def learn(self, message: Request | Response) -> Latch | None:
        """Where a worker wants its audio, if the call has a latch, which is returned."""
        key = message.first("call-id") if self._held and message.body else None
        held = self._held.get(key) if key is not None else None
        worker = audio_at(message.body) if held is not None else None
        if key is None or held is None or worker is None or self._latches is None:
            return None
        held.worker = worker
        self._latches.inside(key, worker)
        return held

    def of(self, call_id: str, tag: str) -> Latch | None:
        """The latch of this caller's call."""
        held = self._held.get(call_id)
        return held if held is not None and held.tag == tag else None

    def take_up(self, call_id: str, latch: Latch) -> None:
        """One of an edge before this one: on the same port the call has its audio again."""
        if self._latches is None:
            return
        at = self._latches.open(call_id, latch.outside, latch.announced, latch.at.port)
        if at is not None:
            self._held[call_id] = latch
            if latch.worker is not None:
                self._latches.inside(call_id, latch.worker)

    def close(self, call_id: str, tag: str) -> None:
        """This caller's call is over."""
        if self.of(call_id, tag) is not None and self._latches is not None:
            del self._held[call_id]
            self._latches.close(call_id)

    def _open(self, said: Basics, source: str, announced: Address | None) -> None:
        if self._latches is None or announced is None:
            return
        while len(self._held) >= MOST_HELD:  # calls whose end has passed us by
            self._latches.close(oldest := next(iter(self._held)))
            del self._held[oldest]
        at = self._latches.open(said.call_id, source, announced.port)
        if at is not None:
            self._held[said.call_id] = Latch(at, said.from_tag, source, announced.port)
