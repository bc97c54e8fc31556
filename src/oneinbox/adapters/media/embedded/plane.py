"""The engine of a voice worker: one baresip runtime, one catch-all user agent, one tick for all legs."""

import asyncio
import socket
from collections.abc import Callable, Mapping

import structlog
from baresip import Account, BaresipError, Call, Config, Runtime, UserAgent

from oneinbox.adapters.media.embedded.dialling import Dialler
from oneinbox.adapters.media.embedded.leg import EmbeddedLeg
from oneinbox.contracts.media import BLOCK_MS, CALL_ID_HEADER, TICKET_HEADER, MediaError, OnCall, OutboundTrunk

RTP_TIMEOUT_SECONDS = 60
MOST_LATE_TICKS = 10

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
        self._ticking: asyncio.Task[None] | None = None
        self._dialler: Dialler | None = None

    async def start(self, on_call: OnCall) -> tuple[str, int]:
        """Open the socket; `on_call` runs in a task of its own per call. Raises MediaError."""
        port = _free_udp_port(self._host)
        first, last = self._rtp_ports
        config = Config(
            net_interface=self._host,
            max_concurrent_calls=None,
            expose_headers=(CALL_ID_HEADER, TICKET_HEADER),
            rtp_timeout=RTP_TIMEOUT_SECONDS,
            extra_config_text=f"sip_listen {self._host}:{port}\nrtp_ports {first}-{last}\n"
            "audio_jitter_buffer_type fixed\naudio_jitter_buffer_ms 20-100\n",
        )
        account = Account(
            user="agent", domain=f"{self._host}:{port}", password="", reg_interval=0, extra_params=("catchall=yes",)
        )
        try:
            await self._runtime.start(config)
            agent = await UserAgent.create(self._runtime, account)
        except BaresipError as error:
            raise MediaError("embedded", f"No SIP socket could be opened on {self._host}.", retryable=True) from error
        agent.on_incoming(lambda call: self._arrived(call, on_call))
        self._dialler = Dialler(self._runtime, lambda call: self._arrived(call, on_call))
        self._ticking = asyncio.create_task(self._tick(), name="media tick")
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

    async def close(self) -> None:
        """Hang up all and free the engine."""
        await asyncio.gather(*(leg.hang_up() for leg in self._legs))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)
        if self._ticking is not None:
            self._ticking.cancel()
        await self._runtime.close()

    def _arrived(self, call: Call, on_call: OnCall) -> None:
        leg = EmbeddedLeg(call, dict(call.headers))
        self._legs.add(leg)
        task = asyncio.ensure_future(on_call(leg))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._left(leg, done))

    def _left(self, leg: EmbeddedLeg, task: asyncio.Future[None]) -> None:
        self._legs.discard(leg)
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("call_task_failed", reason=type(error).__name__)
            ending = asyncio.ensure_future(leg.hang_up())
            self._tasks.add(ending)
            ending.add_done_callback(self._tasks.discard)

    async def _tick(self) -> None:
        due = self._monotonic()
        while True:
            due += BLOCK_MS / 1000
            late = self._monotonic() - due
            if late > MOST_LATE_TICKS * BLOCK_MS / 1000:
                due += late
            await asyncio.sleep(max(0.0, -late))
            self._legs -= {leg for leg in self._legs if leg.over}
            for leg in tuple(self._legs):
                leg.tick()


def _free_udp_port(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
