"""Tasks of a process that live as long as it does, and waiting for a notification or the next poll."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from oneinbox.kit.db import Database

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout, OSError)
"""What a transaction raises when the database is not there, busy or restarting: worth another try."""

T = TypeVar("T")


class EternalTaskEnded(RuntimeError):
    """A task that should run for ever has returned."""


async def run_beside(main: Coroutine[object, object, T], eternal: Mapping[str, Coroutine[object, object, None]]) -> T:
    """The result of `main`, with the eternal coroutines, by name, running until it ends.

    When one of them fails or returns first, `main` is cancelled and its error is raised, or EternalTaskEnded.
    """
    leading = asyncio.create_task(main, name="main")
    others = [asyncio.create_task(work, name=name) for name, work in eternal.items()]
    try:
        await asyncio.wait({leading, *others}, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            if task.done():
                await task
                raise EternalTaskEnded(f"The task {task.get_name()} has ended.")
        return await leading
    finally:
        leading.cancel()
        for task in others:
            task.cancel()
        await asyncio.gather(leading, *others, return_exceptions=True)


async def listen(database: Database, channel: str, heard: Callable[[str], None]) -> None:
    """Hand on the payload of every notification of a channel, for ever."""
    async for payload in database.listen(channel):
        heard(payload)


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set, which is then cleared, or after that time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
    event.clear()
