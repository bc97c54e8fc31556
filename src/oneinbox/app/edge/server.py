"""The edge on its sockets: messages go to the core, its actions to the network, to admission and to the record."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Self

import structlog

from oneinbox.app.edge.keepsakes import Keepsakes
from oneinbox.app.edge.records import Records
from oneinbox.app.edge.sources import Index
from oneinbox.app.edge.streams import Streams
from oneinbox.contracts.admission import Attempt, Cause, Decision, InviteFacts, Login, Refused
from oneinbox.edge.actions import Action, Address, Ask, EdgeConfig, Keep, Record, Send
from oneinbox.edge.core import Edge
from oneinbox.kit.clock import Clock
from oneinbox.kit.errors import OneInboxError

Network = IPv4Network | IPv6Network
Admit = Callable[[InviteFacts, Login | None], Awaitable[Decision]]
"""Decides about an INVITE, given what its sender says to prove who it is."""

ADMISSION_SECONDS = 1.5
RETRY_AFTER_SECONDS = 5
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
DATAGRAM_BYTES = 65_535
BATCH = 64
BACKLOG = 512
PAIR_TRIES = 10
MAPPED = "::ffff:"
"""How an IPv6 socket shows IPv4 addresses (RFC 4291, section 2.5.5.2)."""
RECORDERS = 4
MOST_SOURCES_CACHED = 4096

EVERYBODY: Sequence[Network] = (ip_network("0.0.0.0/0"), ip_network("::/0"))

_log = structlog.get_logger(__name__)


class SipPortTaken(OneInboxError):
    """Nothing can be heard on the SIP address."""

    code = "SIP_PORT_TAKEN"


@dataclass(frozen=True, slots=True)
class Doors:
    """What there is beside UDP and TCP on one address: TLS on another, and the address that a 1:1 NAT shows outside."""

    tls: tuple[Address, ssl.SSLContext] | None = None
    public: str | None = None
    public_media: str | None = None
    """The same as numbers, for SDP."""
    invites_per_second: float = 100.0


async def run_edge(
    *,
    listen: tuple[str, int],
    advertised: tuple[str, int] | None,
    route_key: bytes,
    admit: Admit,
    record: Callable[[Attempt], Awaitable[None]],
    known_sources: Callable[[], Sequence[Network]],
    worker_gone: asyncio.Queue[tuple[str, int]],
    clock: Clock,
    asks: Callable[[], bool] = lambda: False,
    admitted: Callable[[], Sequence[Network]] = lambda: EVERYBODY,
    ready: Callable[[tuple[str, int]], None] | None = None,
    spool: Path | None = None,
    kept: Path | None = None,
    doors: Doors = Doors(),
) -> None:
    """Serve SIP until cancelled; what can't be recorded then is left in the file `spool` for the next start.

    Port 0 of `listen` takes a free one; port 0 of `advertised` means the one listened on. `advertised` is a numeric
    host (or a name that callers resolve) for Via and Record-Route and must be given when `listen` is a wildcard.
    `known_sources` and `admitted`, the networks from which some number takes calls, had best return the same object
    until it changes: lookups are cached by it. `asks`: may strangers prove who they are? `kept` is the file of the
    dialogs, for an edge that comes after this one. `ready` is called with the bound address. Raises SipPortTaken.
    """
    known, may_call = _Membership(known_sources), _Membership(admitted)
    records, keepsakes = Records(record, clock, spool), Keepsakes(kept, clock)
    async with _Bound(listen, doors) as bound, asyncio.TaskGroup() as tasks:
        edge = Edge(bound.config(advertised, route_key), known, asks, may_call)
        edge.take_up(keepsakes.open(), clock.monotonic())
        server = _Server(edge, bound.sock, clock, tasks, admit, records, keepsakes)
        _attend(tasks, server, records, worker_gone)
        await bound.start(server, known)
        if ready is not None:
            ready(bound.address)
        await _until_cancelled(server, records, keepsakes)


class _Bound:
    """The sockets: UDP and TCP on one address, TLS perhaps on another. Raises SipPortTaken."""

    def __init__(self, listen: tuple[str, int], doors: Doors) -> None:
        self._doors = doors
        self.sock, stream = _pair(listen)
        self.address: tuple[str, int] = self.sock.getsockname()[:2]
        self._streams: Streams | None = None
        self._listening: list[tuple[socket.socket, ssl.SSLContext | None]] = [(stream, None)]
        if doors.tls is not None:
            (host, port, _), context = doors.tls
            try:
                self._listening.append((listening_socket((host, port), "ONEINBOX_SIP_TLS_LISTEN"), context))
            except SipPortTaken:
                self._close()
                raise

    def config(self, advertised: tuple[str, int] | None, route_key: bytes) -> EdgeConfig:
        """What the core is told of them."""
        host, port = advertised or (self.address[0], 0)
        tls_port = self._doors.tls[0].port if self._doors.tls else 5061
        return EdgeConfig(
            Address(host, port or self.address[1]),
            route_key,
            tls_port=tls_port,
            public=self._doors.public,
            public_media=self._doors.public_media,
            invites_per_second=self._doors.invites_per_second,
        )

    async def start(self, server: "_Server", known: "_Membership") -> None:
        """Hear what comes."""
        self._streams = server.streams = Streams(server.heard, known)
        for sock, context in self._listening:
            self._streams.listen(sock, context)
        server.start()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self.sock)
        if self._streams is not None:
            await self._streams.close()
        self._close()

    def _close(self) -> None:
        for sock in (self.sock, *(sock for sock, _ in self._listening)):
            sock.close()


def open_socket(listen: tuple[str, int]) -> socket.socket:
    """A bound, non-blocking UDP socket with a large receive buffer. Raises SipPortTaken."""
    sock = _socket(listen, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    _bind(sock, listen, "ONEINBOX_SIP_LISTEN")
    return sock


def listening_socket(listen: tuple[str, int], setting: str) -> socket.socket:
    """A bound, non-blocking TCP socket that listens. Raises SipPortTaken."""
    sock = _socket(listen, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _bind(sock, listen, setting)
    sock.listen(BACKLOG)
    return sock


def _pair(listen: tuple[str, int]) -> tuple[socket.socket, socket.socket]:
    """UDP and TCP on one port; a free one of UDP's, where any will do, may be taken for TCP."""
    tries = 1 if listen[1] else PAIR_TRIES
    while True:
        tries -= 1
        sock = open_socket(listen)
        try:
            return sock, listening_socket(sock.getsockname()[:2], "ONEINBOX_SIP_LISTEN")
        except SipPortTaken:
            sock.close()
            if not tries:
                raise


def _socket(listen: tuple[str, int], kind: socket.SocketKind) -> socket.socket:
    # A TCP socket is named as one, so that asyncio sets TCP_NODELAY on what it accepts.
    protocol = socket.IPPROTO_TCP if kind is socket.SOCK_STREAM else socket.IPPROTO_UDP
    sock = socket.socket(socket.AF_INET6 if ":" in listen[0] else socket.AF_INET, kind, protocol)
    sock.setblocking(False)
    return sock


def _bind(sock: socket.socket, listen: tuple[str, int], setting: str) -> None:
    try:
        sock.bind(listen)
    except OSError as error:
        sock.close()
        reason = error.strerror or type(error).__name__
        raise SipPortTaken(f"{setting}: can't listen on {listen[0]}:{listen[1]}: {reason}.") from error


class _Membership:
    """Is this host in one of the networks? Remembers answers while the networks stay the same object."""

    def __init__(self, networks: Callable[[], Sequence[Network]]) -> None:
        self._networks = networks
        self._seen: Sequence[Network] = ()
        self._index = Index(())
        self._answers: dict[str, bool] = {}

    def __call__(self, host: str) -> bool:
        networks = self._networks()
        if networks is not self._seen:
            self._seen, self._index, self._answers = networks, Index(networks), {}
        if host not in self._answers:
            if len(self._answers) >= MOST_SOURCES_CACHED:
                self._answers.clear()
            self._answers[host] = host in self._index
        return self._answers[host]


class _Server:
    """Owns the socket, the one timer, and the questions that are open."""

    def __init__(
        self,
        edge: Edge,
        sock: socket.socket,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        admit: Admit,
        records: Records,
        keepsakes: Keepsakes,
    ) -> None:
        self._keepsakes = keepsakes
        self.streams: Streams | None = None
        self._records = records
        self._edge = edge
        self._sock = sock
        self._clock = clock
        self._tasks = tasks
        self._admit = admit
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None
        self._open: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._loop.add_reader(self._sock, self._readable)

    def stop(self) -> None:
        """Hear nothing more; those who wait for an answer get one."""
        self._loop.remove_reader(self._sock)
        self._perform(self._edge.close(self._clock.monotonic()))
        if self._timer is not None:
            self._timer.cancel()

    async def decided(self) -> None:
        """Wait for what admission is still asked; each question has its limit in time."""
        if self._open:
            await asyncio.wait(self._open)

    def gone(self, address: tuple[str, int]) -> None:
        self._perform(self._edge.worker_gone(Address(*address), self._clock.monotonic()))

    def heard(self, message: bytes, source: Address) -> None:
        self._perform(self._edge.receive(message, source, self._clock.monotonic()))

    def _readable(self) -> None:
        actions: list[Action] = []
        for _ in range(BATCH):
            try:
                data, source = self._sock.recvfrom(DATAGRAM_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                _log.info("sip_receive_failed", reason=error.strerror)
                break
            host = source[0].removeprefix(MAPPED) if "." in source[0] else source[0]
            actions += self._edge.receive(data, Address(host, source[1]), self._clock.monotonic())
        self._perform(actions)

    def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send():
                    self._send(action)
                case Ask():
                    task = self._tasks.create_task(self._decide(action), name=f"admission {action.facts.sip_call_id}")
                    self._open.add(task)
                    task.add_done_callback(self._open.discard)
                case Record():
                    self._records.add(action.attempt)
                case Keep():
                    self._keepsakes.keep(action)
        self._wind()

    def _send(self, action: Send) -> None:
        if action.dest.is_stream:
            if self.streams is not None:
                self.streams.send(action)
            return
        host, port, _ = action.dest
        if self._sock.family is socket.AF_INET6 and ":" not in host:
            host = MAPPED + host
        try:
            self._sock.sendto(action.data, (host, port))
        except OSError as error:
            _log.info("sip_send_failed", dest=f"{host}:{port}", reason=error.strerror)

    async def _decide(self, question: Ask) -> None:
        try:
            async with asyncio.timeout(ADMISSION_SECONDS):
                decision = await self._admit(question.facts, question.login)
        except TimeoutError:
            decision = _unavailable("Admission took too long.")
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the caller is owed an answer
            _log.error("admission_failed", reason=type(error).__name__)
            decision = _unavailable(f"Admission failed: {type(error).__name__}.")
        self._perform(self._edge.decided(question.key, decision, self._clock.monotonic()))

    def _wind(self) -> None:
        due = self._edge.next_timer()
        if due == self._due:
            return
        self._due = due
        if self._timer is not None:
            self._timer.cancel()
        wait = None if due is None else max(0.0, due - self._clock.monotonic())
        self._timer = None if wait is None else self._loop.call_later(wait, self._ring)

    def _ring(self) -> None:
        self._due = None
        self._perform(self._edge.tick(self._clock.monotonic()))


async def _until_cancelled(server: _Server, records: Records, keepsakes: Keepsakes) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        server.stop()
        await server.decided()
        await records.close()
        keepsakes.close()


def _attend(
    tasks: asyncio.TaskGroup, server: _Server, records: Records, worker_gone: asyncio.Queue[tuple[str, int]]
) -> None:
    """Write records and mourn workers, as long as the group lasts."""
    for number in range(RECORDERS):
        tasks.create_task(records.write(), name=f"edge recorder {number}")
    tasks.create_task(_mourner(server, worker_gone), name="edge gone workers")


async def _mourner(server: _Server, worker_gone: asyncio.Queue[tuple[str, int]]) -> None:
    while True:
        server.gone(await worker_gone.get())


def _unavailable(reason: str) -> Refused:
    return Refused(503, Cause.UNAVAILABLE, reason, retry_after=RETRY_AFTER_SECONDS)
