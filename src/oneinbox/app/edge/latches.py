"""Latches: UDP ports that pass on the audio of callers behind a NAT, to where theirs comes from."""

import asyncio
import random
import socket

import structlog

from oneinbox.app.settings import PortRange
from oneinbox.edge.actions import Address
from oneinbox.kit.clock import Clock

PORT_TRIES = 64
BATCH = 32
PACKET_BYTES = 2048
LEAST_BYTES = 12
"""Of an RTP packet (RFC 3550, section 5.1)."""
SILENT_SECONDS = 5.0
"""After so long a caller may be heard from another port: its NAT has forgotten the one before."""
IDLE_SECONDS = 3600.0
"""So long nothing passes on a call that nobody has ended: its end has passed us by."""

Source = tuple[str, int]

_log = structlog.get_logger(__name__)


class Latches:
    """At most so many latches on `host`, on even ports of the range that the voice workers' audio has too."""

    def __init__(self, host: str, ports: PortRange, clock: Clock, most: int) -> None:
        self._host = host
        self._ports = ports
        self._clock = clock
        self._most = most
        self._open: dict[str, _Latch] = {}

    def open(self, key: str, outside: str, announced: int, port: int = 0) -> Address | None:
        """A latch for a caller at the host `outside` who has announced a port; `port` is the one that it had before.

        None when there is none left.
        """
        self.close(key)
        self._sweep()
        pair = self._pair(port) if len(self._open) < self._most and ":" not in outside else None
        if pair is None:
            _log.warning("no_latch", latches=len(self._open))
            return None
        latch = self._open[key] = _Latch(pair, (outside, announced), self._clock)
        return Address(self._host, latch.port)

    def inside(self, key: str, worker: Address) -> None:
        """The worker's audio comes from here, and the caller's goes there."""
        if (latch := self._open.get(key)) is not None:
            latch.inside = (worker.host, worker.port)

    def close(self, key: str) -> None:
        """The call is over; harmless when it has no latch."""
        if (latch := self._open.pop(key, None)) is not None:
            latch.close()

    def end(self) -> None:
        """All calls are."""
        for key in list(self._open):
            self.close(key)

    def _sweep(self) -> None:
        oldest = self._clock.monotonic() - IDLE_SECONDS
        for key in [key for key, latch in self._open.items() if latch.passed < oldest]:
            self.close(key)

    def _pair(self, wanted: int) -> tuple[socket.socket, socket.socket] | None:
        """Sockets for RTP and RTCP; what is sent to the latter ends there."""
        first = self._ports.first + self._ports.first % 2
        for _ in range(PORT_TRIES):
            port = wanted or random.randrange(first, self._ports.last, 2)
            if (rtp := _bound(self._host, port)) is None:
                continue
            if (rtcp := _bound(self._host, port + 1)) is not None:
                return rtp, rtcp
            rtp.close()
        return None


class _Latch:
    """One call's. `passed` is when something last went through."""

    def __init__(self, pair: tuple[socket.socket, socket.socket], announced: Source, clock: Clock) -> None:
        self.inside: Source | None = None
        self.passed = clock.monotonic()
        self._rtp, self._rtcp = pair
        self._announced = announced
        self._learnt: Source | None = None
        self._heard = 0.0
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._rtp, self._readable)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._rtp.getsockname()[1]
        return port

    def close(self) -> None:
        """Nothing passes any more."""
        self._loop.remove_reader(self._rtp)
        self._rtp.close()
        self._rtcp.close()

    def _readable(self) -> None:
        now = self._clock.monotonic()
        for _ in range(BATCH):
            try:
                data, source = self._rtp.recvfrom(PACKET_BYTES)
            except OSError:  # nothing more has come, or what was sent last could not be delivered
                return
            dest = self._other_side(data, source, now)
            if dest is not None:
                self._send(data, dest)

    def _other_side(self, data: bytes, source: Source, now: float) -> Source | None:
        """Where this goes; None for what is nobody's."""
        if source == self.inside:
            self.passed = now
            return self._learnt or self._announced
        if source[0] != self._announced[0] or len(data) < LEAST_BYTES or data[0] >> 6 != 2:
            return None
        if source != self._learnt and self._learnt is not None and now - self._heard < SILENT_SECONDS:
            return None  # somebody else on the same host
        self._learnt, self._heard, self.passed = source, now, now
        return self.inside

    def _send(self, data: bytes, dest: Source) -> None:
        try:
            self._rtp.sendto(data, dest)
        except OSError as error:
            _log.debug("audio_not_passed_on", reason=error.strerror)


def _bound(host: str, port: int) -> socket.socket | None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        return None
    return sock
