"""PostgreSQL: the declarative base, transactions, and notifications."""

import asyncio
import select as readiness
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Self

import psycopg
import structlog
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, MetaData, PoolProxiedConnection, Table, event, make_url, select, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30
LOCK_SECONDS = 5
WAITS: Mapping[str, int] = MappingProxyType(
    {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives": 1,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }
)
"""How long any connection waits for a server that has gone silent: about 11 s (libpq's names; the last in ms)."""
RECONNECT_SECONDS = 0.5
USED = "used"

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

_log = structlog.get_logger(__name__)


class Base(DeclarativeBase):
    """Base of all tables; constraints that have no name of their own get one by rule."""

    metadata = MetaData(naming_convention=NAMES)


def database_url(text_or_url: str) -> URL:
    """The URL with the driver that we use: `postgres://` and `postgresql://` are taken too.

    Raises ValueError, without repeating the URL (it may hold a password), when it isn't one of PostgreSQL.
    """
    try:
        url = make_url(text_or_url)
    except (ArgumentError, ValueError):
        raise ValueError("This is not a database URL") from None
    if url.drivername not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError("Only PostgreSQL is supported: the URL begins with postgresql://")
    return url.set(drivername="postgresql+psycopg")


def libpq_url(url: str) -> str:
    """The same URL as libpq and psycopg read it."""
    return database_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def conninfo(url: str) -> str:
    """What psycopg connects by, without ever waiting for a server that has gone silent."""
    return make_conninfo(libpq_url(url), **WAITS)


class Database:
    """Two pools of connections, for transactions and for statements that stand alone, which grow as they are used.

    `url` is `postgresql+psycopg://…`; `postgres://` and `postgresql://` are taken too.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.pool_size = pool_size
        self.url = libpq_url(url)
        self.engine = _engine(database_url(url), pool_size)
        self.autocommit = _engine(
            database_url(url), pool_size, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True
        )
        self._transactions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._statements = async_sessionmaker(self.autocommit, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back when the block raises."""
        async with self._transactions.begin() as session:
            yield session

    @asynccontextmanager
    async def statements(self) -> AsyncIterator[AsyncSession]:
        """Each statement is a transaction of its own, which costs no round trip to begin or end: for reading."""
        async with self._statements() as session:
            yield session

    async def listen(self, channel: str) -> AsyncIterator[str]:
        """The payloads of `channel`, for ever, over a connection that is made anew whenever it breaks.

        What is notified while the connection is down is lost: listeners poll as well.
        """
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(conninfo(self.url), autocommit=True) as connection:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                    async for notice in connection.notifies():
                        yield notice.payload
            except psycopg.Error as error:
                _log.warning("listening_broke", channel=channel, reason=type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection; leaving its block does so too."""
        await self.engine.dispose()
        await self.autocommit.dispose()


def _engine(url: URL, pool_size: int, **more: object) -> AsyncEngine:
    limits = f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={LOCK_SECONDS}s"
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        hide_parameters=True,
        connect_args={**WAITS, "options": limits},
        **more,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_the_hung_up)
    return engine


def _refuse_the_hung_up(connection: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
    """A server says nothing on an idle connection but goodbye. All connections from before that are made anew."""
    if entry.info.get(USED):
        idle = readiness.poll()
        idle.register(connection.driver_connection.fileno(), readiness.POLLIN)
        if idle.poll(0):
            raise InvalidatePoolError
    entry.info[USED] = True


async def referring(session: AsyncSession, table: Table, row_id: str, *, most: int = 20) -> list[str]:
    """Ids of rows, of whatever tables, whose foreign key points to that row of `table`: what keeps it from going."""
    found: list[str] = []
    for other in table.metadata.tables.values():
        for key in other.foreign_keys:
            if key.column.table is table:
                statement = select(other.c.id).where(key.parent == row_id).order_by(other.c.id).limit(most)
                found += (await session.scalars(statement)).all()
    return found[:most]


async def notify(session: AsyncSession, channel: str, payload: str) -> None:
    """Tell listeners of `channel`, when the transaction commits. At most 7999 bytes of payload."""
    await session.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": channel, "payload": payload})
