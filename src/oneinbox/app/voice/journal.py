"""A call's journal: takes events at once, keeps them in memory, and writes them to the database in batches."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from oneinbox.app.running import DATABASE_AWAY
from oneinbox.contracts.events import CallEnded, CallEvent, EndReason
from oneinbox.features.calls.events import Fact
from oneinbox.kit.clock import Clock

BATCH_SECONDS = 0.3
OUTAGE_SECONDS = 60.0

_log = structlog.get_logger(__name__)

Write = Callable[[Sequence[Fact]], Awaitable[bool]]
"""Writes a batch in one transaction; repeating it changes nothing. False when the call has ended elsewhere."""


def patient(seconds: float) -> AsyncRetrying:
    """Retries a database transaction over an outage of up to `seconds`."""
    return AsyncRetrying(
        retry=retry_if_exception_type(DATABASE_AWAY),
        wait=wait_exponential(multiplier=0.1, max=2.0),
        stop=stop_after_delay(seconds),
        reraise=True,
    )


class Journal:
    """The events of one call, in order, numbered from 0."""

    def __init__(self, write: Write, clock: Clock, *, outage_seconds: float = OUTAGE_SECONDS) -> None:
        self._write = write
        self._outage_seconds = outage_seconds
        self._clock = clock
        self._pending: list[Fact] = []
        self._count = 0
        self._news = asyncio.Event()
        self.ended: CallEnded | None = None

    def emit(self, event: CallEvent) -> None:
        """Take an event; whatever follows the terminal one is dropped."""
        if self.ended is not None:
            return
        self._pending.append(Fact(self._count, self._clock.now(), event))
        self._count += 1
        if isinstance(event, CallEnded):
            self.ended = event
        self._news.set()

    def break_off(self, at_ms: int, detail: str) -> None:
        """The terminal event of a call that nobody else could end properly."""
        self.emit(CallEnded(at_ms=at_ms, reason=EndReason.WORKER_ERROR, failed=True, detail=detail))

    async def keep(self) -> None:
        """Write batches until the terminal event is written; while the call goes on, an outage is waited for.

        Raises DATABASE_AWAY kin when the database stays away for `outage_seconds` after the call.
        """
        while self.ended is None or self._pending:
            await self._news.wait()
            self._news.clear()
            await self._flush()
            if self.ended is None:
                await asyncio.sleep(BATCH_SECONDS)

    async def _flush(self) -> None:
        batch, over = tuple(self._pending), self.ended is not None
        if not batch:
            return
        try:
            async for attempt in patient(self._outage_seconds):
                with attempt:
                    await self._write(batch)
        except DATABASE_AWAY as error:
            if over:
                raise
            _log.warning("journal_waits", events=len(self._pending), reason=type(error).__name__)
        else:
            del self._pending[: len(batch)]
        if self._pending:
            self._news.set()
