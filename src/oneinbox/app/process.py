"""One process of a deployment: signals ask it to stop, and its supervisor is told when it serves."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

from oneinbox.app.settings import Settings, load
from oneinbox.kit import logs

OURS_ALONE = 0o077
"""The umask: recordings and all else that is written is for this user alone."""
UNUSABLE_EXIT = 2
"""How a process ends that can't work as it is set up; starting it again would not help."""
READY = "ready"
"""The line on stdout that says so."""

Serve = Callable[[Settings, asyncio.Event, Callable[[], None]], Awaitable[None]]


def run(name: str, serve: Serve) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way; a second signal ends it at once."""
    os.umask(OURS_ALONE)
    settings = load()
    logs.configure(settings.log_level, name)
    asyncio.run(until_signalled(lambda stop: serve(settings, stop, say_ready)))


def say_ready() -> None:
    """Tell whoever reads our stdout."""
    print(READY, flush=True)


async def until_signalled(serve: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `serve` with an event that the first signal sets; the second cancels it."""
    stop = asyncio.Event()
    serving = asyncio.ensure_future(serve(stop))

    def signalled() -> None:
        if stop.is_set():
            serving.cancel()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    try:
        await serving
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
