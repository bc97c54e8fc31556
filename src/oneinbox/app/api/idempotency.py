"""`Idempotency-Key`: a POST that is sent again, at once or after a crash, is carried out once and answered alike.

A request holds an advisory lock of PostgreSQL from before it begins until its answer is stored in the transaction of
its effect. The lock ends with the process that holds it, however that ends: nothing has to expire before a retry.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakValueDictionary

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy import ColumnElement, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from starlette.responses import Response
from tenacity import AsyncRetrying, retry_if_result, wait_random

from oneinbox.app.running import DATABASE_AWAY
from oneinbox.app.steps import OperationInProgress
from oneinbox.kit.bodies import InvalidField
from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database
from oneinbox.kit.errors import Conflict, OneInboxError
from oneinbox.kit.idempotency import KeptAnswer
from oneinbox.kit.ids import new_id
from oneinbox.kit.sealing import Sealer
from oneinbox.kit.signing import sign

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
KEPT_FOR = timedelta(hours=24)
TWIN_WAITS_SECONDS = 30.0
POLL_SECONDS = (0.02, 0.08)

_log = structlog.get_logger(__name__)
_WELL_FORMED = re.compile(r"[\x21-\x7e]{1,255}")


class KeyReused(InvalidField):
    """The key belongs to another request."""

    code = "IDEMPOTENCY_KEY_REUSED"


class InProgress(Conflict):
    """The first request with this key is still being carried out."""

    code = "IDEMPOTENCY_IN_PROGRESS"


class Replay(Exception):
    """The answer that was given before."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__()
        self.response = Response(body, status, {REPLAYED_HEADER: "true"}, "application/json")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request under a key."""

    workspace_id: str
    key: str
    fingerprint: bytes

    @property
    def lock(self) -> int:
        """The number of its advisory lock: 64 bits, signed."""
        digest = hashlib.sha256(f"{self.workspace_id}\n{self.key}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that may be carried out: `again` when an earlier try of it may have made `resource_id` already."""

    resource_id: str
    again: bool = False
    asked: _Asked | None = None


class Idempotency:
    """`locks` is a pool of its own, so that requests that hold a lock never wait for one another's connections."""

    def __init__(self, database: Database, locks: Database, clock: Clock, sealer: Sealer, signing_key: bytes) -> None:
        self._database, self._locks = database, locks
        self._clock, self._sealer, self._signing_key = clock, sealer, signing_key
        self._here: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def once(self, request: Request, workspace_id: str) -> AsyncIterator[Claim]:
        """Carry the block out unless its answer is there. Raises Replay, KeyReused, InProgress, InvalidField.

        What was refused gives its key back, and may be asked again. What failed on our side, or still goes on, keeps
        it: some of it may have been done, and a retry must find that.
        """
        key = request.headers.get(HEADER)
        if key is None or request.method != "POST":
            yield Claim(new_id())
            return
        if not _WELL_FORMED.fullmatch(key):
            raise InvalidField(("header", HEADER), "The key is 1 to 255 visible ASCII characters")
        asked = _Asked(workspace_id, key, self._fingerprint(request, await request.body()))
        async with self._alone(asked):
            claim = await self._claim(asked)
            try:
                yield claim
            except (OneInboxError, RequestValidationError) as error:
                if not isinstance(error, OperationInProgress) and _is_refusal(error):
                    await self._give_back(asked)
                raise

    async def keep(self, session: AsyncSession, claim: Claim, response: Response) -> None:
        """Write the answer in the transaction of what it answers for. Raises InProgress when a twin's is there.

        Twins get so far at once only when the database has lost a lock, with its connection: one of them commits.
        """
        if claim.asked is None:
            return
        sealed = self._sealer.seal(bytes(response.body).decode(), **_place(claim.asked))
        answered = update(KeptAnswer).where(*_row(claim.asked), KeptAnswer.status.is_(None))
        answered = answered.values(status=response.status_code, sealed=sealed).returning(KeptAnswer.resource_id)
        if await session.scalar(answered) is None:
            raise InProgress(f"Another request with this {HEADER} was answered first.")

    def _fingerprint(self, request: Request, body: bytes) -> bytes:
        said = (request.method, request.url.path, request.url.query, body.decode("latin-1"))
        return bytes.fromhex(sign(self._signing_key, *said))

    @asynccontextmanager
    async def _alone(self, asked: _Asked) -> AsyncIterator[None]:
        """Twins in this process wait for one another, and the first of them for those in other processes."""
        here = self._here.setdefault(asked.lock, asyncio.Lock())
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(TWIN_WAITS_SECONDS):
                    await here.acquire()
                    held.callback(here.release)
                    connection = await self._lock(asked.lock)
                    held.push_async_callback(_unlock, connection, asked.lock)
            except TimeoutError:
                said = f"A request with this {HEADER} is still being carried out after {TWIN_WAITS_SECONDS:.0f} s."
                raise InProgress(said) from None
            yield

    async def _lock(self, number: int) -> AsyncConnection:
        waiting = AsyncRetrying(wait=wait_random(*POLL_SECONDS), retry=retry_if_result(lambda got: got is None))
        connection: AsyncConnection = await waiting(self._try_to_lock, number)
        return connection

    async def _try_to_lock(self, number: int) -> AsyncConnection | None:
        """A connection that holds the lock; None when another one does, or when there is none to be had."""
        try:
            connection = await self._locks.autocommit.connect()
        except PoolTimeout:
            return None
        got = False
        try:
            got = bool(await connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": number}))
        except BaseException:
            await connection.invalidate()
            raise
        finally:
            if not got:
                await connection.close()
        return connection if got else None

    async def _claim(self, asked: _Asked) -> Claim:
        async with self._database.transaction() as session:
            await session.execute(delete(KeptAnswer).where(KeptAnswer.created_at < self._clock.now() - KEPT_FOR))
            fresh = {"fingerprint": asked.fingerprint, "resource_id": new_id()}
            new = insert(KeptAnswer).values(workspace_id=asked.workspace_id, key=asked.key, **fresh)
            made = await session.scalar(new.on_conflict_do_nothing().returning(KeptAnswer.resource_id))
            kept = (await session.scalars(select(KeptAnswer).where(*_row(asked)))).one()
        if kept.fingerprint != asked.fingerprint:
            said = f"{asked.key} belongs to another request: use a new key for each"
            raise KeyReused(("header", HEADER), said)
        if kept.status is not None and kept.sealed is not None:
            raise Replay(kept.status, self._sealer.open(kept.sealed, **_place(asked)))
        return Claim(kept.resource_id, again=made is None, asked=asked)

    async def _give_back(self, asked: _Asked) -> None:
        async with self._database.transaction() as session:
            await session.execute(delete(KeptAnswer).where(*_row(asked), KeptAnswer.status.is_(None)))


def _is_refusal(error: OneInboxError | RequestValidationError) -> bool:
    return not isinstance(error, OneInboxError) or error.status < OneInboxError.status


async def _unlock(connection: AsyncConnection, number: int) -> None:
    """Give the lock back; a connection that can't is closed, and the lock with it. What was done stays done."""
    try:
        await connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})
    except DATABASE_AWAY as error:
        _log.warning("lock_was_lost", reason=type(error).__name__)
        await connection.invalidate()
    except BaseException:
        await connection.invalidate()
        raise
    finally:
        await connection.close()


def _row(asked: _Asked) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return KeptAnswer.workspace_id == asked.workspace_id, KeptAnswer.key == asked.key


def _place(asked: _Asked) -> dict[str, str]:
    return {"workspace_id": asked.workspace_id, "row_id": asked.key, "field": "answer"}
