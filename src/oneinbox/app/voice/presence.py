"""A voice worker's place among the workers: registered, beating, draining, gone."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.app.running import DATABASE_AWAY
from oneinbox.features.workers import service as workers
from oneinbox.features.workers.schemas import Registration
from oneinbox.kit.db import Database

RETRY_SECONDS = 0.5

_log = structlog.get_logger(__name__)


class Presence:
    """Keeps the worker's row alive."""

    def __init__(self, database: Database, registration: Registration) -> None:
        self._database = database
        self._registration = registration
        self._draining = False

    async def register(self) -> None:
        """Calls come from now on."""
        async with self._database.transaction() as session:
            await workers.register(session, self._registration)

    async def beat(self) -> None:
        """Say that the worker lives, for ever; one that was buried meanwhile stands up again."""
        while True:
            pause = workers.HEARTBEAT_SECONDS
            try:
                async with asyncio.timeout(workers.HEARTBEAT_SECONDS):
                    await self._beat_once()
            except (*DATABASE_AWAY, TimeoutError) as error:
                _log.warning("heartbeat_failed", reason=type(error).__name__)
                pause = RETRY_SECONDS
            await asyncio.sleep(pause)

    async def drain(self) -> None:
        """No new calls from now on, as soon as the database hears of it."""
        self._draining = True
        await self._tell(workers.drain)

    async def leave(self) -> None:
        """The worker is no more; when the database can't be told, the reaper will notice."""
        await self._tell(workers.gone)

    async def _beat_once(self) -> None:
        async with self._database.transaction() as session:
            if await workers.heartbeat(session, self._registration.id):
                return
            _log.warning("worker_was_buried")
            await workers.register(session, self._registration)
            if self._draining:
                await workers.drain(session, self._registration.id)

    async def _tell(self, change: Callable[[AsyncSession, str], Awaitable[None]]) -> None:
        try:
            async with self._database.transaction() as session:
                await change(session, self._registration.id)
        except DATABASE_AWAY as error:
            _log.warning("state_not_told", reason=type(error).__name__)
