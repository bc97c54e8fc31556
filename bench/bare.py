"""The yardstick of the read endpoints: FastAPI and SQL, and nothing else.

`python -m bench.bare PORT` serves it; the URL of its database comes on stdin.
"""

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

POOL = 20


def create_app(url: str) -> FastAPI:
    """Answers with the rows as they are: no key, no workspace's actor, no limits, no schema, no log."""
    pool: AsyncConnectionPool[AsyncConnection[dict[str, Any]]] = AsyncConnectionPool(
        url, min_size=4, max_size=POOL, open=False, kwargs={"row_factory": dict_row}
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    async def rows(query: str, *values: object) -> list[dict[str, Any]]:
        async with pool.connection() as connection:
            return await (await connection.execute(query.encode(), values)).fetchall()

    @app.get("/{workspace}/{table}/{row_id}")
    async def one(workspace: str, table: str, row_id: str) -> dict[str, Any]:
        found = await rows(f"SELECT * FROM {_known(table)} WHERE workspace_id = %s AND id = %s", workspace, row_id)
        if not found:
            raise HTTPException(404)
        return found[0]

    @app.get("/{workspace}/{table}")
    async def page(workspace: str, table: str, limit: int, offset: int = 0) -> dict[str, Any]:
        name = _known(table)
        total = await rows(f"SELECT count(*) AS total FROM {name} WHERE workspace_id = %s", workspace)
        query = f"SELECT * FROM {name} WHERE workspace_id = %s ORDER BY id DESC LIMIT %s OFFSET %s"
        return {"items": await rows(query, workspace, limit, offset), **total[0]}

    return app


def _known(table: str) -> str:
    if table not in ("phone_numbers", "agents", "llm_models", "calls"):
        raise HTTPException(404)
    return table


def main() -> None:
    """Serve on loopback, as the product's API is served."""
    port, url = int(sys.argv[1]), sys.stdin.readline().strip()
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(1024)
    config = uvicorn.Config(create_app(url), log_config=None, access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
