"""Many callers in one thread: SIP and G.711 on two sockets, every packet with the kernel's time of its arrival.

A caller is a generator that is resumed every 5 ms; it looks at its call, says something, or ends. Times are seconds
of the machine's clock. All audio arrives on one port and is told apart by where it comes from.
"""

import select
import socket
import struct
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from itertools import count

from bench import g711, sip

STEP_SECONDS = 0.005
BLOCK_SECONDS = 0.02
_PHASES = 4
_STAMPED = getattr(socket, "SO_TIMESTAMPNS", 35)
_BUFFER = 8 * 1024 * 1024
_CALL_IDS = count(1)

Script = Generator[None, None, None]


@dataclass(frozen=True, slots=True)
class Packet:
    """One block that was heard: when it came, its RTP timestamp and number, its mu-law."""

    came: float
    stamp: int
    sequence: int
    payload: bytes


@dataclass(slots=True)
class Call:
    """One call, as its caller lives through it."""

    dialog: sip.Dialog
    phase: int
    invited: float = 0.0
    answered: float | None = None
    status: int = 0
    over: bool = False
    remote: tuple[str, int] | None = None
    heard: list[Packet] = field(default_factory=list)
    last_sound: float = 0.0
    """When something audible last came."""
    said_until: float = 0.0
    """When our last audible sample had been sent."""
    asked: list[float] = field(default_factory=list)
    """When we began to say something."""
    cut_off: bool = False
    """Whether the far side ended it."""
    queue: bytes = b""
    sent: int = 0

    def say(self, coded: bytes) -> None:
        """Speak mu-law, whole blocks, from the next block on."""
        self.asked.append(time.time())
        self.queue += coded

    @property
    def speaking(self) -> bool:
        """Whether our words are still going out."""
        return bool(self.queue)

    def hear(self, packet: Packet) -> None:
        """One block of the far side's."""
        self.heard.append(packet)
        if (last := g711.last_loud(packet.payload)) is not None:
            self.last_sound = packet.came + last / g711.RATE

    def onset(self, since: float) -> float | None:
        """When the first sound of two blocks or more was heard that came after `since`."""
        for index in range(len(self.heard) - 1):
            packet, following = self.heard[index], self.heard[index + 1]
            if packet.came < since:
                continue
            first = g711.first_loud(packet.payload)
            if first is not None and g711.first_loud(following.payload) is not None:
                return packet.came + first / g711.RATE
        return None

    def next_block(self) -> bytes:
        """What goes out now; notes when its sound ends, as a telephone sends a block when it has sampled it."""
        block, self.queue = self.queue[: g711.BLOCK] or g711.SILENCE, self.queue[g711.BLOCK :]
        if (last := g711.last_loud(block)) is not None:
            self.said_until = time.time() - (g711.BLOCK - 1 - last) / g711.RATE
        header = struct.pack("!BBHII", 0x80, 0, self.sent & 0xFFFF, self.sent * g711.BLOCK & 0xFFFFFFFF, self.phase)
        self.sent += 1
        return header + block


class Exchange:
    """The callers' side of the line to one edge."""

    def __init__(self, edge: tuple[str, int], host: str = "127.0.0.1") -> None:
        self._edge = edge
        self._sip, self._rtp = _socket(host), _socket(host)
        self._calls: dict[str, Call] = {}
        self._by_source: dict[tuple[str, int], Call] = {}
        self._early: dict[tuple[str, int], list[Packet]] = {}
        self._scripts: list[Script] = []
        self._step = 0

    def call(self, number: str) -> Call:
        """Ring a number."""
        name = f"{next(_CALL_IDS)}-{self._sip.getsockname()[1]}"
        local, rtp = self._sip.getsockname(), self._rtp.getsockname()[1]
        call = Call(sip.Dialog(number, name, local, self._edge, rtp), phase=len(self._calls) % _PHASES)
        self._calls[name] = call
        call.invited = time.time()
        self._sip.sendto(call.dialog.invite(), self._edge)
        return call

    def hang_up(self, call: Call) -> None:
        """Say BYE; harmless when the far side has."""
        if call.answered and not call.over:
            self._sip.sendto(call.dialog.bye(), self._edge)
        call.over = True

    def forget(self, call: Call) -> None:
        """Free what a call that is over has kept."""
        self._calls.pop(call.dialog.call_id, None)
        if call.remote is not None:
            self._by_source.pop(call.remote, None)

    def add(self, script: Script) -> None:
        """One more caller."""
        self._scripts.append(script)

    def run(self, seconds: float) -> None:
        """Let the callers live until all have ended; raises TimeoutError when that takes too long."""
        latest = time.time() + seconds
        due = time.monotonic()
        while self._scripts:
            if time.time() > latest:
                raise TimeoutError(f"{len(self._scripts)} callers had not ended after {seconds:.0f} s")
            due = max(due + STEP_SECONDS, time.monotonic() - 1)
            self._receive(due)
            self._speak()
            self._scripts = [script for script in self._scripts if _goes_on(script)]

    def close(self) -> None:
        """Hang up whoever is left, and free the ports."""
        for call in self._calls.values():
            self.hang_up(call)
        self._sip.close()
        self._rtp.close()

    def _receive(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select([self._sip, self._rtp], [], [], left)
            if self._sip in ready:
                _drain(self._sip, self._signal)
            if self._rtp in ready:
                _drain(self._rtp, self._sound)

    def _speak(self) -> None:
        self._step += 1
        for call in self._calls.values():
            if call.remote is not None and not call.over and self._step % _PHASES == call.phase:
                self._rtp.sendto(call.next_block(), call.remote)

    def _signal(self, data: bytes, source: tuple[str, int], came: float) -> None:
        message = sip.read(data)
        call = self._calls.get(message.call_id)
        if message.status is None:
            if message.method != "ACK":
                self._sip.sendto(sip.agree(message), source)
            if call is not None and message.method == "BYE":
                call.over = True
        elif call is not None and message.method == "INVITE" and message.status >= 200:
            self._final(call, message, came)

    def _final(self, call: Call, message: sip.Message, came: float) -> None:
        call.status = message.status or 0
        if call.status >= 300:
            self._sip.sendto(call.dialog.ack_refusal(message), self._edge)
            call.over = True
            return
        if call.answered is None:
            call.answered = came
            call.dialog.answered(message)
            call.remote = (self._edge[0], message.audio_port)
            self._by_source[call.remote] = call
            for packet in self._early.pop(call.remote, []):
                call.hear(packet)
        self._sip.sendto(call.dialog.ack(), self._edge)

    def _sound(self, data: bytes, source: tuple[str, int], came: float) -> None:
        if len(data) < 12 + g711.BLOCK or data[1] & 0x7F:
            return
        sequence, stamp = struct.unpack_from("!HI", data, 2)
        packet = Packet(came, stamp, sequence, data[12:])
        call = self._by_source.get(source)
        if call is not None:
            call.hear(packet)
        else:
            self._early.setdefault(source, []).append(packet)


def until(holds: Callable[[], bool], seconds: float) -> Generator[None, None, bool]:
    """Wait in a script until something holds, or for so long; whether it does."""
    latest = time.time() + seconds
    while not holds():
        if time.time() > latest:
            return False
        yield
    return True


def pause(seconds: float) -> Script:
    """Wait in a script."""
    yield from until(lambda: False, seconds)


def _goes_on(script: Script) -> bool:
    try:
        next(script)
    except StopIteration:
        return False
    return True


def _socket(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    made.setsockopt(socket.SOL_SOCKET, _STAMPED, 1)
    made.bind((host, 0))
    made.setblocking(False)
    return made


def _drain(sock: socket.socket, take: Callable[[bytes, tuple[str, int], float], None]) -> None:
    """Everything that has come, with the kernel's time of each datagram."""
    for _ in range(512):
        try:
            data, control, _, source = sock.recvmsg(2048, 64)
        except BlockingIOError:
            return
        seconds, nanoseconds = struct.unpack("@ll", control[0][2][:16]) if control else (0, 0)
        take(data, source, seconds + nanoseconds / 1e9 if seconds else time.time())
