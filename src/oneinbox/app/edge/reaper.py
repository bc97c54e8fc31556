"""The reaper: closes the calls of voice workers that are gone, and tells the edge, which owes their callers a BYE."""

import asyncio

import structlog
from sqlalchemy.exc import DBAPIError

from oneinbox.contracts.events import EndReason
from oneinbox.features.calls import service as calls
from oneinbox.features.workers import service as workers
from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database

SWEEP_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Reaper:
    """Sweeps every second, and at once when woken."""

    def __init__(self, database: Database, clock: Clock, gone: asyncio.Queue[tuple[str, int]]) -> None:
        self._database = database
        self._clock = clock
        self._gone = gone
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Someone saw a worker die: don't wait for the next sweep."""
        self._woken.set()

    async def run(self) -> None:
        """For ever; a database that is away for a while is waited for."""
        while True:
            try:
                await self.sweep()
            except (DBAPIError, OSError) as error:
                _log.warning("sweep_failed", reason=type(error).__name__)
            await self._pause()

    async def sweep(self) -> None:
        """End the calls of lost workers and those that never started, exactly once each."""
        async with self._database.transaction() as session:
            lost = await workers.lost(session)
            ids = [worker.id for worker in lost]
            held = await calls.held_by(session, ids) if ids else []
            unanswered = await calls.never_started(session)
        for worker in lost:
            _log.warning("worker_lost", worker_id=worker.id)
            self._gone.put_nowait((worker.host, worker.sip_port))
        for call_id in held:
            await self._end(call_id, "The voice worker is gone.", unanswered_only=False)
        for call_id in unanswered:
            await self._end(call_id, "No voice worker took the call in time.", unanswered_only=True)
        if ids:
            async with self._database.transaction() as session:
                await workers.bury(session, ids)

    async def _end(self, call_id: str, detail: str, *, unanswered_only: bool) -> None:
        now = self._clock.now()
        async with self._database.transaction() as session:
            await calls.end(session, call_id, EndReason.WORKER_ERROR, detail, now, unanswered_only=unanswered_only)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(SWEEP_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()
