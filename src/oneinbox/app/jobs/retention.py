"""Attempts don't pile up for ever: what scanners leave goes after a month, what reached a number after half a year."""

import asyncio
from datetime import timedelta

import structlog

from oneinbox.app.running import DATABASE_AWAY
from oneinbox.features.attempts import service as attempts
from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database

SWEEP_SECONDS = 3600.0
BATCH = 1_000
PAUSE_SECONDS = 0.1
"""Between batches, so that calls' own records don't wait behind them."""
LEAST_OF_NUMBERS = timedelta(days=180)

_log = structlog.get_logger(__name__)


async def follow(database: Database, clock: Clock, kept: timedelta) -> None:
    """Forget what is old, every hour, for ever."""
    while True:
        try:
            await sweep(database, clock, kept)
        except DATABASE_AWAY as error:
            _log.warning("old_attempts_stay", reason=type(error).__name__)
        await asyncio.sleep(SWEEP_SECONDS)


async def sweep(database: Database, clock: Clock, kept: timedelta) -> int:
    """Delete attempts older than `kept` that reached no number, and those that did after LEAST_OF_NUMBERS or `kept`.

    Returns how many. Several may sweep at a time. Raises what DATABASE_AWAY names.
    """
    now, gone = clock.now(), 0
    for before, unowned in ((now - kept, True), (now - max(kept, LEAST_OF_NUMBERS), False)):
        last = BATCH
        while last == BATCH:
            async with database.transaction() as session:
                last = await attempts.forget(session, before, BATCH, unowned=unowned)
            gone += last
            await asyncio.sleep(PAUSE_SECONDS)
    if gone:
        _log.info("old_attempts_deleted", count=gone)
    return gone
