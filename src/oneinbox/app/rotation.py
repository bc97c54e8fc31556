"""Turning the master key: everything that is sealed is sealed anew under the newest one, while the product runs."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, LargeBinary, RowMapping, Table, and_, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.ext.asyncio import AsyncSession
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from oneinbox.app.tables import metadata
from oneinbox.kit.db import CONNECT_SECONDS, Database
from oneinbox.kit.sealing import Sealer, kid_of

BATCH = 200
UNCOMMITTED_SECONDS = CONNECT_SECONDS + 1.0
"""Between sealing something and the transaction that writes it, which may have to wait for a connection."""
OLDEST_TRANSACTION_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Place:
    """A column of sealed values, and what each of them is bound to. Without a workspace column: to the deployment."""

    table: str
    column: str
    row: str
    field: str
    workspace: str | None = "workspace_id"


PLACES = (
    Place("deployment_secrets", "sealed", "name", "sealed", workspace=None),
    Place("inbound_trunks", "auth_password", "id", "auth_password"),
    Place("outbound_trunks", "auth_password", "id", "auth_password"),
    Place("operations", "request", "id", "request"),
    Place("idempotency_keys", "sealed", "key", "answer"),
)
CONFIGS = "phone_numbers"
"""The table whose `sealed_config` holds sealed values by their names, in base64."""
HASHES = frozenset(
    {
        ("api_keys", "key_hash"),
        ("retired_api_keys", "key_hash"),
        ("idempotency_keys", "fingerprint"),
        ("audit_events", "chain"),
        ("audit_chains", "chain"),
        ("audit_chains", "seal"),
        ("audit_counts", "seal"),
    }
)
"""Columns of bytes that are not sealed."""


def unknown_columns() -> set[tuple[str, str]]:
    """Columns of bytes of which this room doesn't know whether they are sealed: there must be none."""
    known = {(place.table, place.column) for place in PLACES} | HASHES
    return {
        (table.name, column.name)
        for table in metadata().tables.values()
        for column in table.columns
        if isinstance(column.type, BYTEA | LargeBinary)
    } - known


async def reseal(database: Database, sealer: Sealer) -> int:
    """Seal anew whatever is under an older key. Returns how many values that were.

    Running processes see the new key at once; what they sealed before and commit later is found by a second pass, when
    every transaction has ended that had begun before the first.
    """
    began = await _now(database)
    first = await _pass(database, sealer)
    await asyncio.sleep(UNCOMMITTED_SECONDS)
    waiting = AsyncRetrying(
        stop=stop_after_delay(OLDEST_TRANSACTION_SECONDS), wait=wait_fixed(0.2), retry=retry_if_result(bool)
    )
    await waiting(_older_transactions, database, began)
    return first + await _pass(database, sealer)


async def _pass(database: Database, sealer: Sealer) -> int:
    done = sum([await _reseal_column(database, sealer, place) for place in PLACES])
    return done + await _reseal_configs(database, sealer)


async def _now(database: Database) -> datetime:
    async with database.transaction() as session:
        return (await session.scalars(select(func.now()))).one()


async def _older_transactions(database: Database, began: datetime) -> int:
    """How many transactions of our role, besides this one, have been open since before that moment."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND datname = current_database() "
        "AND pid <> pg_backend_pid() AND xact_start < :began"
    )
    async with database.transaction() as session:
        return await session.scalar(query, {"began": began}) or 0


async def left_behind(database: Database, sealer: Sealer) -> int:
    """How many sealed values are under another key than the newest."""
    async with database.transaction() as session:
        count = 0
        for place in PLACES:
            table = metadata().tables[place.table]
            blobs = await session.scalars(select(table.c[place.column]).where(table.c[place.column].is_not(None)))
            count += sum(kid_of(blob) != sealer.newest for blob in blobs)
        configs = await session.scalars(select(metadata().tables[CONFIGS].c.sealed_config))
        return count + sum(kid_of(base64.b64decode(one)) != sealer.newest for held in configs for one in held.values())


async def _reseal_column(database: Database, sealer: Sealer, place: Place) -> int:
    table = metadata().tables[place.table]
    done = 0

    async def renew(session: AsyncSession, row: RowMapping) -> None:
        nonlocal done
        workspace_id = row[place.workspace] if place.workspace else ""
        bound = {"workspace_id": workspace_id, "row_id": row[place.row], "field": place.field}
        blob: bytes = row[place.column]
        if kid_of(blob) != sealer.newest:
            fresh = sealer.seal(sealer.open(blob, **bound), **bound)
            await session.execute(update(table).where(_same(table, row)).values({place.column: fresh}))
            done += 1

    await _each(database, table, table.c[place.column].is_not(None), renew)
    return done


async def _reseal_configs(database: Database, sealer: Sealer) -> int:
    table = metadata().tables[CONFIGS]
    done = 0

    async def renew(session: AsyncSession, row: RowMapping) -> None:
        nonlocal done
        held: dict[str, str] = row["sealed_config"]
        fresh = {}
        for name, value in held.items():
            blob = base64.b64decode(value)
            bound = {"workspace_id": row["workspace_id"], "row_id": row["id"], "field": name}
            if kid_of(blob) != sealer.newest:
                blob = sealer.seal(sealer.open(blob, **bound), **bound)
                done += 1
            fresh[name] = base64.b64encode(blob).decode()
        if fresh != held:
            await session.execute(update(table).where(_same(table, row)).values(sealed_config=fresh))

    await _each(database, table, table.c.sealed_config != {}, renew)
    return done


async def _each(
    database: Database,
    table: Table,
    which: ColumnElement[bool],
    renew: Callable[[AsyncSession, RowMapping], Awaitable[None]],
) -> None:
    """Every such row, held while it is renewed, in batches of a transaction each."""
    key = list(table.primary_key.columns)
    last: tuple[object, ...] | None = None
    while True:
        async with database.transaction() as session:
            rows = select(table).where(which).order_by(*key).limit(BATCH).with_for_update()
            if last is not None:
                rows = rows.where(tuple_(*key) > tuple_(*last))
            batch = (await session.execute(rows)).mappings().all()
            for row in batch:
                await renew(session, row)
        if len(batch) < BATCH:
            return
        last = tuple(batch[-1][column.name] for column in key)


def _same(table: Table, row: RowMapping) -> ColumnElement[bool]:
    return and_(*(column == row[column.name] for column in table.primary_key.columns))
