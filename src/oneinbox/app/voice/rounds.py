"""What a voice worker looks up in the record of its calls: who is to be hung up, and what was left open."""

import asyncio

import structlog

from oneinbox.app.running import DATABASE_AWAY, wait_at_most
from oneinbox.app.voice.desk import Desk
from oneinbox.contracts.events import EndReason
from oneinbox.features.calls import service as calls
from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database

POLL_SECONDS = 2.0

_log = structlog.get_logger(__name__)


class Rounds:
    """Goes round every two seconds, and at once when woken."""

    def __init__(self, database: Database, clock: Clock, desk: Desk) -> None:
        self._database = database
        self._clock = clock
        self._desk = desk
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Someone may have asked to stop a call."""
        self._woken.set()

    async def run(self) -> None:
        """For ever; a database that is away for a while is waited for."""
        while True:
            try:
                await self.go()
            except DATABASE_AWAY as error:
                _log.warning("round_failed", reason=type(error).__name__)
            await wait_at_most(self._woken, POLL_SECONDS)

    async def go(self) -> None:
        """Stop what is to be stopped, and end in the record what this worker no longer carries."""
        async with self._database.transaction() as session:
            stopped = await calls.stop_requested(session, self._desk.worker_id)
            answered = await calls.answered_of(session, self._desk.worker_id)
        for call_id in stopped:
            self._desk.stop(call_id)
        for call_id in answered:
            if call_id not in self._desk.carried:
                await self._end(call_id)

    async def _end(self, call_id: str) -> None:
        _log.warning("call_left_open", call_id=call_id)
        detail = "The call is over, but what was said could not be written down."
        async with self._database.transaction() as session:
            await calls.end(session, call_id, EndReason.WORKER_ERROR, detail, self._clock.now())
