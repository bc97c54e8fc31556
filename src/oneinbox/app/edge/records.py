"""Attempts on their way to the database: none is lost when it is away or the edge stops; floods are summed up."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from oneinbox.app.running import DATABASE_AWAY
from oneinbox.contracts.admission import Attempt, Cause, InviteFacts
from oneinbox.edge.tally import MANY
from oneinbox.kit.clock import Clock
from oneinbox.kit.ids import new_id

DRAIN_SECONDS = 2.0
TRIES = 5
PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
MOST_WAITING = 10_000

_log = structlog.get_logger(__name__)
_ATTEMPT: TypeAdapter[Attempt] = TypeAdapter(Attempt)


class Records:
    """Keeps attempts until they are written; what `close` leaves over lies in `spool` until the next start."""

    def __init__(self, write: Callable[[Attempt], Awaitable[None]], clock: Clock, spool: Path | None) -> None:
        self._write = write
        self._clock = clock
        self._spool = spool
        self._waiting: dict[str, Attempt] = {}
        self._queue: asyncio.Queue[Attempt] = asyncio.Queue()
        self._crowded: dict[tuple[Cause, int], int] = {}
        self._spooled: set[str] = set()
        self._take_up()

    def add(self, attempt: Attempt) -> None:
        """One more to write; where too many wait already it is only counted."""
        if len(self._waiting) >= MOST_WAITING and attempt.call_id is None:
            kind = (attempt.cause, attempt.status)
            self._crowded[kind] = self._crowded.get(kind, 0) + attempt.count
            return
        named = replace(attempt, id=attempt.id or new_id(), at=attempt.at or self._clock.now())
        assert named.id is not None
        self._waiting[named.id] = named
        self._queue.put_nowait(named)

    async def write(self) -> None:
        """Write them, for ever."""
        while True:
            attempt = await self._queue.get()
            await self._keep(attempt)
            self._written(attempt.id or "")
            self._queue.task_done()

    async def close(self) -> None:
        """Wait DRAIN_SECONDS for what is to be written; the rest goes to the spool."""
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._queue.join()
        except TimeoutError:
            self._lay_down()

    async def _keep(self, attempt: Attempt) -> None:
        tried, pause = 0, PAUSE_SECONDS
        while tried < TRIES:
            try:
                return await self._write(attempt)
            except DATABASE_AWAY as error:
                _log.warning("attempt_waits_for_the_database", reason=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - one attempt that can't be written must not end the edge
                tried += 1
                _log.warning("attempt_record_failed", reason=type(error).__name__, tried=tried)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        _log.error("attempt_not_recorded", cause=attempt.cause, status=attempt.status)

    def _written(self, attempt_id: str) -> None:
        self._waiting.pop(attempt_id, None)
        self._sum_up()
        if attempt_id in self._spooled:
            self._spooled.discard(attempt_id)
            if not self._spooled and self._spool is not None:
                self._spool.unlink(missing_ok=True)

    def _sum_up(self) -> None:
        """Room again: write down how many could only be counted."""
        if not self._crowded or len(self._waiting) >= MOST_WAITING // 2:
            return
        crowded, self._crowded = self._crowded, {}
        for (cause, status), count in crowded.items():
            reason = f"{count} INVITEs of this kind came while the database took no more records."
            self.add(Attempt(InviteFacts(MANY, 0, "", None, ""), status, cause, reason, None, (), count=count))

    def _lay_down(self) -> None:
        if self._spool is None:
            _log.error("attempts_not_recorded", count=len(self._waiting))
            return
        self._spool.touch(mode=0o600)
        self._spool.write_bytes(b"".join(_ATTEMPT.dump_json(one) + b"\n" for one in self._waiting.values()))
        _log.warning("attempts_left_for_the_next_start", count=len(self._waiting))

    def _take_up(self) -> None:
        if self._spool is None or not self._spool.exists():
            return
        for line in self._spool.read_bytes().splitlines():
            try:
                attempt = _ATTEMPT.validate_json(line)
            except ValidationError:
                _log.error("attempt_not_recorded", reason="a line of the spool can't be read")
                continue
            self._spooled.add(attempt.id or "")
            self.add(attempt)
