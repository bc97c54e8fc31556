"""Hearing PostgreSQL's NOTIFY: one connection that is made anew whenever it breaks."""

import asyncio
from collections.abc import Callable, Sequence

import psycopg
import structlog
from psycopg import sql

RECONNECT_SECONDS = 0.5

_log = structlog.get_logger(__name__)


async def listen(conninfo: str, channels: Sequence[str], heard: Callable[[str, str], None]) -> None:
    """Call `heard(channel, payload)` for every notification, for ever. `conninfo` is a URL as libpq reads it.

    What is notified while the connection is down is lost: listeners poll as well.
    """
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                conninfo, autocommit=True, connect_timeout=5
            ) as connection:
                for channel in channels:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                async for notice in connection.notifies():
                    heard(notice.channel, notice.payload)
        except psycopg.Error as error:
            _log.warning("listening_broke", reason=type(error).__name__)
        await asyncio.sleep(RECONNECT_SECONDS)
