"""Unfinished recordings of calls that ended without their worker: found by their names, and removed."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog

from oneinbox.app.running import DATABASE_AWAY
from oneinbox.features.calls import service as calls
from oneinbox.kit.db import Database

FIRST_SECONDS = 60.0
"""After the start of a worker that replaces a dead one, so that its calls are closed by then."""
EVERY_SECONDS = 3600.0
SUFFIX = ".ogg.part"

_log = structlog.get_logger(__name__)


async def remove_leftovers(database: Database, folder: Path) -> None:
    """A minute after the start and every hour, for ever."""
    pause = FIRST_SECONDS
    while True:
        await asyncio.sleep(pause)
        pause = EVERY_SECONDS
        try:
            await remove_once(database, folder)
        except DATABASE_AWAY as error:
            _log.warning("leftovers_not_removed", reason=type(error).__name__)


async def remove_once(database: Database, folder: Path) -> int:
    """Remove `<folder>/<workspace>/<call>.ogg.part` of every call that is not live. Returns how many."""
    parts = await asyncio.to_thread(_parts, folder)
    if not parts:
        return 0
    async with database.transaction() as session:
        live = await calls.live_among(session, list(parts))
    stale = [path for call_id, path in parts.items() if call_id not in live]
    for path in stale:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    _log.info("leftovers_removed", count=len(stale))
    return len(stale)


def _parts(folder: Path) -> Mapping[str, Path]:
    return {path.name.removesuffix(SUFFIX): path for path in folder.glob(f"*/*{SUFFIX}")}
