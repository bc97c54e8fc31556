"""The API as a process."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from oneinbox.app.api.application import create_app
from oneinbox.app.api.deployment import deployment_of
from oneinbox.app.migrate import require_newest
from oneinbox.app.settings import Address, Settings
from oneinbox.app.wiring import database_of
from oneinbox.kit.clock import SystemClock
from oneinbox.kit.errors import OneInboxError

POOL_SIZE = 20
BACKLOG = 1024
GOODBYE_SECONDS = 10


class ApiPortTaken(OneInboxError):
    """Nothing can be heard on the API's address."""

    code = "API_PORT_TAKEN"


class _Server(uvicorn.Server):
    """Stopped by us, not by signals of its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Answer requests until `stop`; those under way are finished. Raises ApiPortTaken, WrongDatabaseVersion."""
    with _listen(settings.api_listen) as listening:
        async with database_of(settings, pool_size=POOL_SIZE) as database:
            async with database.transaction() as session:
                await require_newest(session)
            deployment = await deployment_of(settings, database, SystemClock())
            try:
                await _run(_Server(_config(create_app(deployment))), listening, stop, ready)
            finally:
                await deployment.close()


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )


async def _run(
    server: uvicorn.Server, listening: socket.socket, stop: asyncio.Event, ready: Callable[[], None]
) -> None:
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve(sockets=[listening]), name="api server")
        stopping = tasks.create_task(stop.wait(), name="api stop")
        ready()
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()


def _listen(address: Address) -> socket.socket:
    # Told that it is TCP, asyncio sends each part of an answer at once; else the body waits 40 ms for the head's ACK.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address.host, address.port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        reason = error.strerror or type(error).__name__
        raise ApiPortTaken(f"ONEINBOX_API_LISTEN: can't listen on {address}: {reason}.") from None
    return listening
