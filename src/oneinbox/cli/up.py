"""`oneinbox up`."""

import asyncio
import sys
from typing import Annotated

import typer

from oneinbox.app import demo as demo_call
from oneinbox.app import settings
from oneinbox.app.process import say_ready, until_signalled
from oneinbox.app.settings import Settings
from oneinbox.app.supervisor import run_deployment
from oneinbox.cli.demo import in_own_process
from oneinbox.kit import logs


def up(
    with_demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="On the first start: make a demo number and call it.")
    ] = True,
    progress: Annotated[bool | None, typer.Option(help="Show what is being started; on a terminal it is.")] = None,
) -> None:
    """Run everything on this machine: database, API, SIP edge, voice workers. One Ctrl-C ends it.

    Prints `ready` when calls are answered.
    """
    loaded = settings.load()
    logs.configure(loaded.log_level, "up")
    shown = sys.stderr.isatty() if progress is None else progress
    first = with_demo and not demo_call.key_file(loaded).exists()

    def tell(line: str) -> None:
        if shown:
            print(f"   {line}", file=sys.stderr, flush=True)

    def after_ready(complete: Settings) -> "asyncio.Task[None]":
        say_ready()
        return asyncio.create_task(_welcome(complete, first), name="demo")

    asyncio.run(until_signalled(lambda stop: run_deployment(loaded, tell, stop, after_ready)))


async def _welcome(complete: Settings, first: bool) -> None:
    if first:
        await in_own_process(complete)
