"""The yardstick of the read endpoints: FastAPI and SQL, and nothing else.

`python -m bench.bare PORT DRIVER` serves it, over psycopg or over SQLAlchemy; the URL of its database comes on stdin.
"""

import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from oneinbox.kit.db import database_url

POOL = 20
Row = dict[str, Any]
Ask = Callable[[str, Row], Awaitable[list[Row]]]
"""The rows of a query, whose values are written `%(name)s`."""


@asynccontextmanager
async def psycopg_rows(url: str) -> AsyncIterator[Ask]:
    """The driver itself."""
    pool: AsyncConnectionPool[AsyncConnection[Row]] = AsyncConnectionPool(
        url, min_size=4, max_size=POOL, open=False, kwargs={"row_factory": dict_row}
    )

    async def ask(query: str, values: Row) -> list[Row]:
        async with pool.connection() as connection:
            return await (await connection.execute(query.encode(), values)).fetchall()

    async with pool:
        yield ask


@asynccontextmanager
async def sqlalchemy_rows(url: str) -> AsyncIterator[Ask]:
    """The library that the product asks with, as its manual shows it."""
    engine = create_async_engine(database_url(url), pool_size=POOL)

    async def ask(query: str, values: Row) -> list[Row]:
        statement = text(query.replace("%(", ":").replace(")s", ""))
        async with engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(statement, values)).mappings()]

    yield ask
    await engine.dispose()


DRIVERS: dict[str, Callable[[str], AbstractAsyncContextManager[Ask]]] = {
    "psycopg": psycopg_rows,
    "sqlalchemy": sqlalchemy_rows,
}


def create_app(opened: AbstractAsyncContextManager[Ask]) -> FastAPI:
    """Answers with the rows as they are: no key, no workspace's actor, no limits, no schema, no log."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened as app.state.ask:
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/{workspace}/{table}/{row_id}")
    async def one(workspace: str, table: str, row_id: str) -> Row:
        query = f"SELECT * FROM {_known(table)} WHERE workspace_id = %(workspace)s AND id = %(id)s"
        found: list[Row] = await app.state.ask(query, {"workspace": workspace, "id": row_id})
        if not found:
            raise HTTPException(404)
        return found[0]

    @app.get("/{workspace}/{table}")
    async def page(workspace: str, table: str, limit: int, offset: int = 0) -> Row:
        found, values = f"FROM {_known(table)} WHERE workspace_id = %(workspace)s", {"workspace": workspace}
        (total,) = await app.state.ask(f"SELECT count(*) AS total {found}", values)
        query = f"SELECT * {found} ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s"
        return {"items": await app.state.ask(query, values | {"limit": limit, "offset": offset}), **total}

    return app


def _known(table: str) -> str:
    if table not in ("phone_numbers", "agents", "llm_models", "calls"):
        raise HTTPException(404)
    return table


def main() -> None:
    """Serve on loopback, as the product's API is served."""
    port, opened = int(sys.argv[1]), DRIVERS[sys.argv[2]](sys.stdin.readline().strip())
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(1024)
    config = uvicorn.Config(create_app(opened), log_config=None, access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
