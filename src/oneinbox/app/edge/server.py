"""The edge on a UDP socket: datagrams in batches to the core, its actions to the network, admission and the record."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

import structlog

from oneinbox.app.edge.records import Records
from oneinbox.contracts.admission import Attempt, Cause, Decision, InviteFacts, Login, Refused
from oneinbox.edge.actions import Action, Address, Ask, EdgeConfig, Record, Send
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
MAPPED = "::ffff:"
"""How an IPv6 socket shows IPv4 addresses (RFC 4291, section 2.5.5.2)."""
RECORDERS = 4
MOST_SOURCES_CACHED = 4096

_log = structlog.get_logger(__name__)


class SipPortTaken(OneInboxError):
    """Nothing can be heard on the SIP address."""

    code = "SIP_PORT_TAKEN"


async def run_edge(
    *,
    listen: Address,
    advertised: Address | None,
    route_key: bytes,
    admit: Admit,
    record: Callable[[Attempt], Awaitable[None]],
    known_sources: Callable[[], Sequence[Network]],
    worker_gone: asyncio.Queue[Address],
    clock: Clock,
    asks: Callable[[], bool] = lambda: False,
    ready: Callable[[Address], None] | None = None,
    spool: Path | None = None,
) -> None:
    """Serve SIP until cancelled; what can't be recorded then is left in the file `spool` for the next start.

    Port 0 of `listen` takes a free one; port 0 of `advertised` means the one listened on. `advertised` is a numeric
    host (or a name that callers resolve) for Via and Record-Route and must be given when `listen` is a wildcard.
    `known_sources` had best return the same object until it changes: lookups are cached by it. `asks`: may strangers
    prove who they are? `ready` is called with the bound address. Raises SipPortTaken.
    """
    sock = open_socket(listen)
    try:
        bound: Address = sock.getsockname()[:2]
        host, port = advertised or (bound[0], 0)
        known = _KnownSources(known_sources)
        edge = Edge(EdgeConfig((host, port or bound[1]), route_key), known, asks)
        records = Records(record, clock, spool)
        async with asyncio.TaskGroup() as tasks:
            server = _Server(edge, sock, clock, tasks, admit, records)
            for number in range(RECORDERS):
                tasks.create_task(records.write(), name=f"edge recorder {number}")
            tasks.create_task(_mourner(server, worker_gone), name="edge gone workers")
            server.start()
            if ready is not None:
                ready(bound)
            await _until_cancelled(server, records)
    finally:
        asyncio.get_running_loop().remove_reader(sock)
        sock.close()


def open_socket(listen: Address) -> socket.socket:
    """A bound, non-blocking UDP socket with a large receive buffer. Raises SipPortTaken."""
    family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    try:
        sock.bind(listen)
    except OSError as error:
        sock.close()
        reason = error.strerror or type(error).__name__
        raise SipPortTaken(f"ONEINBOX_SIP_LISTEN: can't listen on {listen[0]}:{listen[1]}: {reason}.") from error
    return sock


class _KnownSources:
    """Is this host in one of the networks? Remembers answers while the networks stay the same object."""

    def __init__(self, networks: Callable[[], Sequence[Network]]) -> None:
        self._networks = networks
        self._seen: Sequence[Network] = ()
        self._answers: dict[str, bool] = {}

    def __call__(self, host: str) -> bool:
        networks = self._networks()
        if networks is not self._seen or len(self._answers) > MOST_SOURCES_CACHED:
            self._seen, self._answers = networks, {}
        if host not in self._answers:
            address = ip_address(host)
            self._answers[host] = any(address in network for network in networks)
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
    ) -> None:
        self._records = records
        self._edge = edge
        self._sock = sock
        self._clock = clock
        self._tasks = tasks
        self._admit = admit
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
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

    def gone(self, address: Address) -> None:
        self._perform(self._edge.worker_gone(address, self._clock.monotonic()))

    def _readable(self) -> None:
        for _ in range(BATCH):
            try:
                data, source = self._sock.recvfrom(DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                _log.info("sip_receive_failed", reason=error.strerror)
                return
            host = source[0].removeprefix(MAPPED) if "." in source[0] else source[0]
            self._perform(self._edge.receive(data, (host, source[1]), self._clock.monotonic()))

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
        self._wind()

    def _send(self, action: Send) -> None:
        host, port = action.dest
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
        if self._timer is not None:
            self._timer.cancel()
        due = self._edge.next_timer()
        wait = None if due is None else max(0.0, due - self._clock.monotonic())
        self._timer = None if wait is None else self._loop.call_later(wait, self._ring)

    def _ring(self) -> None:
        self._perform(self._edge.tick(self._clock.monotonic()))


async def _until_cancelled(server: _Server, records: Records) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        server.stop()
        await server.decided()
        await records.close()


async def _mourner(server: _Server, worker_gone: asyncio.Queue[Address]) -> None:
    while True:
        server.gone(await worker_gone.get())


def _unavailable(reason: str) -> Refused:
    return Refused(503, Cause.UNAVAILABLE, reason, retry_after=RETRY_AFTER_SECONDS)
