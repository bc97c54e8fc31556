"""A media engine without SIP: calls arrive when a test says so, and dialled ones are taken as the script has it."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from oneinbox.adapters.media.scripted.leg import LegScript, ScriptedLeg
from oneinbox.contracts.media import MediaError, OnCall, OutboundTrunk

_log = structlog.get_logger(__name__)


class ScriptedPlane:
    """A `MediaPlane`. `dialled` is how the far side of calls from here behaves; `legs` are all calls so far.

    `monotonic` is the clock that the audio keeps step with, by default the event loop's own.
    """

    def __init__(self, dialled: LegScript | None = None, monotonic: Callable[[], float] | None = None) -> None:
        self.legs: list[ScriptedLeg] = []
        self._dialled = dialled or LegScript()
        self._monotonic = monotonic
        self._on_call: OnCall | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, on_call: OnCall) -> tuple[str, int]:
        """`on_call` runs in a task of its own per call; there is no socket, and so no port."""
        self._on_call = on_call
        return "127.0.0.1", 0

    def call(self, script: LegScript | None = None, headers: Mapping[str, str] | None = None) -> ScriptedLeg:
        """A call arrives. Raises MediaError when the plane has not been started."""
        if self._on_call is None:
            raise MediaError("scripted", "The media plane has not been started.", retryable=False)
        leg = self._leg(headers, script)
        task = asyncio.ensure_future(self._serve(leg, self._on_call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return leg

    async def dial(self, trunk: OutboundTrunk, to_number: str, headers: Mapping[str, str]) -> ScriptedLeg:
        """A call to the far side, which takes it or refuses it at once."""
        leg = self._leg(headers, self._dialled)
        leg.log.append(f"dial {to_number}")
        leg.established()
        return leg

    async def close(self) -> None:
        """Hang up all, and wait until whoever served the calls is done."""
        await asyncio.gather(*(leg.hang_up() for leg in self.legs))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)

    async def _serve(self, leg: ScriptedLeg, on_call: OnCall) -> None:
        try:
            await on_call(leg)
        except Exception as error:  # noqa: BLE001 (as on a real engine: one call's failure is not another's)
            _log.error("call_task_failed", reason=type(error).__name__)
        finally:
            await leg.hang_up()

    def _leg(self, headers: Mapping[str, str] | None, script: LegScript | None) -> ScriptedLeg:
        leg = ScriptedLeg(headers, script, self._monotonic)
        self.legs.append(leg)
        return leg
