"""The reaper: closes the calls of voice workers that are gone, and tells the edge, which owes their callers a BYE."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from oneinbox.app.running import DATABASE_AWAY, wait_at_most
from oneinbox.contracts.events import EndReason
from oneinbox.features.calls import service as calls
from oneinbox.features.workers import service as workers
from oneinbox.features.workers.schemas import Departed
from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database
from oneinbox.kit.errors import OneInboxError

SWEEP_SECONDS = 1.0
LOOK_SECONDS = 2.0
"""A database that takes longer kept the workers from beating too: what it shows then proves nothing."""

JUMP_SECONDS = 3.0
"""More than a look takes, and less than makes a worker that has just beaten seem silent."""

_log = structlog.get_logger(__name__)


class ClockJumped(OneInboxError):
    """The database's clock was set: what it says about heartbeats proves nothing yet."""

    code = "CLOCK_JUMPED"


class Reaper:
    """Sweeps every second, and at once when woken. Several may run: each tells its own edge, one ends each call."""

    def __init__(self, database: Database, clock: Clock, gone: asyncio.Queue[tuple[str, int]]) -> None:
        self._database = database
        self._clock = clock
        self._gone = gone
        self._woken = asyncio.Event()
        self._told: frozenset[str] = frozenset()
        self._ahead: float | None = None

    def wake(self) -> None:
        """Someone saw a worker die: don't wait for the next sweep."""
        self._woken.set()

    async def run(self) -> None:
        """For ever.

        After the database was away or hung, or its clock was set, workers get the time to beat again before one is
        missed.
        """
        while True:
            try:
                await self.sweep()
            except (*DATABASE_AWAY, ClockJumped) as error:
                _log.warning("sweep_failed", reason=type(error).__name__)
                await asyncio.sleep(workers.STALE_AFTER.total_seconds())
            await wait_at_most(self._woken, SWEEP_SECONDS)

    async def sweep(self) -> None:
        """End the calls of departed workers and those that never started, exactly once each.

        Raises ClockJumped, and what DATABASE_AWAY names; a database that does not answer in time is a TimeoutError
        among them.
        """
        async with asyncio.timeout(LOOK_SECONDS), self._database.transaction() as session:
            self._require_steady(await workers.clock(session))
            departed = await workers.departed(session)
            ids = [worker.id for worker in departed]
            held = await calls.held_by(session, ids) if ids else []
            unanswered = await calls.never_started(session)
        self._tell(departed)
        for call_id in held:
            await self._end(call_id, "The voice worker is gone.", unanswered_only=False)
        for call_id in unanswered:
            await self._end(call_id, "No voice worker took the call in time.", unanswered_only=True)
        if ids:
            async with self._database.transaction() as session:
                await workers.bury(session, ids)

    def _require_steady(self, wall: datetime) -> None:
        """Has the wall clock gone as far as our own since the last look?"""
        before, self._ahead = self._ahead, wall.timestamp() - self._clock.monotonic()
        if before is not None and abs(self._ahead - before) > JUMP_SECONDS:
            raise ClockJumped(f"The database's clock was set by {self._ahead - before:+.0f} s.")

    def _tell(self, departed: Sequence[Departed]) -> None:
        for worker in departed:
            if worker.id not in self._told and not worker.address_taken:
                _log.info("worker_departed", worker_id=worker.id)
                self._gone.put_nowait((worker.host, worker.sip_port))
        self._told = frozenset(worker.id for worker in departed)

    async def _end(self, call_id: str, detail: str, *, unanswered_only: bool) -> None:
        now = self._clock.now()
        async with self._database.transaction() as session:
            await calls.end(session, call_id, EndReason.WORKER_ERROR, detail, now, unanswered_only=unanswered_only)
