"""The engine of a voice worker: one baresip runtime, one catch-all user agent, one tick for all legs."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Mapping

import structlog
from baresip import Account, BaresipError, Call, CommandQueueFull, Config, Runtime, UserAgent

from oneinbox.adapters.media.embedded.dialling import NO_VIDEO, Dialler
from oneinbox.adapters.media.embedded.leg import EmbeddedLeg
from oneinbox.contracts.media import BLOCK_MS, CALL_ID_HEADER, TICKET_HEADER, MediaError, OnCall, OutboundTrunk
from oneinbox.kit.processes import port_is_free

SRTP_IF_OFFERED = "mediaenc=srtp"
"""Keys in SDP (RFC 4568) for callers who ask. The engine names its own to all others: the edge takes them out."""

RTP_TIMEOUT_SECONDS = 60
JITTER_BUFFER = "audio_jitter_buffer_type adaptive\naudio_jitter_buffer_ms 20-200\n"
"""Of 320 blocks that came 0 to 60 ms late, 315 were heard in time (a fixed buffer of 20 ms: 243), 40 ms later than on
a line without jitter, where both take 26 ms."""
MOST_OWED_TICKS = 50
"""A stall is made up for tick by tick up to this; what is longer is left out of the calls' time."""
LIFE_SECONDS = 5.0
PORT_TRIES = 20
LOG_LEVEL = "warning"

_log = structlog.get_logger(__name__)


class EmbeddedPlane:
    """SIP on a free UDP port of `host`, RTP on `rtp_ports` (first, last), PCMU and PCMA. One a process.

    `monotonic` is the clock that the 20 ms tick keeps step with.
    """

    def __init__(self, host: str, rtp_ports: tuple[int, int], monotonic: Callable[[], float]) -> None:
        self._host = host
        self._rtp_ports = rtp_ports
        self._monotonic = monotonic
        self._runtime = Runtime()
        self._legs: set[EmbeddedLeg] = set()
        self._tasks: set[asyncio.Future[None]] = set()
        self._eternal: tuple[asyncio.Task[None], ...] = ()
        self._failed = asyncio.Event()
        self._failure: str | None = None
        self._closing = False
        self._dialler: Dialler | None = None

    async def start(self, on_call: OnCall) -> tuple[str, int]:
        """Open the socket; `on_call` runs in a task of its own per call. Raises MediaError."""
        port = _free_port(self._host)
        first, last = self._rtp_ports
        config = Config(
            net_interface=self._host,
            native_log_level=LOG_LEVEL,
            max_concurrent_calls=None,
            expose_headers=(CALL_ID_HEADER, TICKET_HEADER),
            rtp_timeout=RTP_TIMEOUT_SECONDS,
            extra_config_text=f"sip_listen {self._host}:{port}\nrtp_ports {first}-{last}\n{JITTER_BUFFER}",
        )
        account = Account(
            user="agent",
            domain=f"{self._host}:{port}",
            password="",
            reg_interval=0,
            extra_params=("catchall=yes", NO_VIDEO, SRTP_IF_OFFERED),
        )
        try:
            await self._runtime.start(config)
            agent = await UserAgent.create(self._runtime, account)
        except BaresipError as error:
            raise MediaError("embedded", f"No SIP socket could be opened on {self._host}.", retryable=True) from error
        agent.on_incoming(lambda call: self._arrived(call, on_call))
        self._dialler = Dialler(self._runtime, lambda call: self._arrived(call, on_call))
        self._runtime.on_dead = lambda: self._fail("The media engine died.")
        self._eternal = (
            asyncio.create_task(self._tick(), name="media tick"),
            asyncio.create_task(self._ask_for_life(), name="media life"),
        )
        for task in self._eternal:
            task.add_done_callback(self._watched)
        return self._host, port

    async def dial(self, trunk: OutboundTrunk, to_number: str, headers: Mapping[str, str]) -> EmbeddedLeg:
        """Ring the far side; a trunk without `auth_username` answers no digest challenge.

        Returns the leg, whose `established` or `closed` event tells how it went; the detail of `closed` is then the
        SIP status and reason, as in "404 Not Found". Raises MediaError when no INVITE could be sent.
        """
        if self._dialler is None:
            raise MediaError("embedded", "The media engine has not been started.", retryable=True)
        leg = await self._dialler.dial(trunk, to_number, headers)
        self._legs.add(leg)
        return leg

    async def failed(self) -> str:
        """Waits until the engine has died or hangs, and says why: only a new process helps. All legs are closed."""
        await self._failed.wait()
        return self._failure or ""

    async def close(self) -> None:
        """Hang up all and free the engine."""
        self._closing = True
        await asyncio.gather(*(leg.hang_up() for leg in self._legs))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)
        for task in self._eternal:
            task.cancel()
        await self._runtime.close()

    def _arrived(self, call: Call, on_call: OnCall) -> None:
        leg = EmbeddedLeg(call, dict(call.headers))
        self._legs.add(leg)
        task = asyncio.ensure_future(on_call(leg))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._left(leg, done))

    def _left(self, leg: EmbeddedLeg, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("call_task_failed", reason=type(error).__name__)
        self._later(leg.hang_up())

    async def _tick(self) -> None:
        due = self._monotonic()
        while True:
            due += BLOCK_MS / 1000
            await asyncio.sleep(max(0.0, due - self._monotonic()))
            owed = int((self._monotonic() - due) * 1000) // BLOCK_MS
            if owed > MOST_OWED_TICKS:
                due += (owed - MOST_OWED_TICKS) * BLOCK_MS / 1000
                owed = MOST_OWED_TICKS
            self._legs -= {leg for leg in self._legs if leg.over}
            for leg in tuple(self._legs):
                self._tick_leg(leg, owed)

    def _tick_leg(self, leg: EmbeddedLeg, owed: int) -> None:
        try:
            leg.tick(owed)
        except Exception as error:  # noqa: BLE001 (whatever breaks in one call's sink, the tick serves other calls too)
            _log.error("call_block_failed", exc_info=error)
            self._legs.discard(leg)
            self._later(leg.hang_up())

    async def _ask_for_life(self) -> None:
        """A SIP thread that hangs does not die: ask it something, the cheapest there is, from time to time."""
        while True:
            await asyncio.sleep(LIFE_SECONDS)
            try:
                await self._runtime.set_native_log_level(LOG_LEVEL)
            except CommandQueueFull:
                _log.warning("media_engine_busy")
            except BaresipError as error:
                self._fail(f"The media engine does not respond: {type(error).__name__}.")

    def _fail(self, reason: str) -> None:
        if self._failure is None and not self._closing:
            self._failure = reason
            _log.critical("media_engine_failed", reason=reason)
            for leg in self._legs:
                leg.lost(reason)
            self._failed.set()

    def _watched(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._fail(f"The task {task.get_name()!r} ended: {task.exception()!r}.")

    def _later(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _free_port(host: str) -> int:
    """A port where UDP is free, and TCP, and TCP on the next (the engine opens them too, for SIP and SIP over TLS)."""
    for _ in range(PORT_TRIES):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
            port: int = probe.getsockname()[1]
            if all(port_is_free(socket.SOCK_STREAM, host, one) for one in (port, port + 1)):
                break
    return port
