"""`oneinbox demo`: the demo number, set up over HTTP, called once, and judged by what the caller heard."""

import asyncio
import contextlib
import sys

import typer
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from oneinbox.app import bootstrap, own_database, settings
from oneinbox.app import demo as demo_call
from oneinbox.app.caller import NotAnswered
from oneinbox.app.process import until_signalled
from oneinbox.app.settings import Settings, child_environment
from oneinbox.app.supervisor import run_deployment
from oneinbox.cli.call import media_host
from oneinbox.kit import logs
from oneinbox.kit.clock import SystemClock

RECORDING_SECONDS = 10.0
KEY_NAME = "demo"


def demo() -> None:
    """Set the demo up, call it, and judge the answers. Exits 0 when they were right, else 1.

    Uses the deployment that runs here, or runs one for as long as it takes.
    """
    loaded = settings.load()
    logs.configure("error", "demo")
    if asyncio.run(demo_call.is_served(loaded)):
        with own_database.reached(loaded) as complete:
            raise typer.Exit(0 if asyncio.run(_play(complete)) else 1)
    raise typer.Exit(asyncio.run(_alone(loaded)))


async def in_own_process(complete: Settings) -> int:
    """Run the demo against a deployment that serves; the exit code. The caller's models and engine end with it."""
    arguments = (sys.executable, "-m", "oneinbox", "demo")
    process = await asyncio.create_subprocess_exec(*arguments, env=child_environment(complete))
    try:
        return await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def _alone(loaded: Settings) -> int:
    """Run a deployment, the demo against it, and end both."""
    codes: list[int] = []
    stopping: list[asyncio.Event] = []

    async def play_and_stop(complete: Settings) -> None:
        codes.append(await in_own_process(complete))
        stopping[0].set()

    def after_ready(complete: Settings) -> "asyncio.Task[None]":
        return asyncio.create_task(play_and_stop(complete), name="demo")

    async def deployment(stop: asyncio.Event) -> None:
        stopping.append(stop)
        await run_deployment(loaded, _show, stop, after_ready)

    await until_signalled(deployment)
    return codes[0] if codes else 1


async def _play(complete: Settings) -> bool:
    host = media_host(complete.sip_listen.host, complete.media_address)
    target = (host, complete.sip_listen.port)
    key = demo_call.kept_key(complete)
    if key is None or not await demo_call.is_valid(complete, key):
        key = await bootstrap.issue_key(complete, KEY_NAME)
        demo_call.keep_key(complete, key)
    await demo_call.set_up(complete, key)
    _show(f"calling {demo_call.NUMBER} at {target[0]}:{target[1]} over SIP …")
    try:
        right = await demo_call.talk(complete, SystemClock(), target, _show)
    except NotAnswered as refusal:
        _show(f"the call was not answered: {refusal.sip_status or 'no answer'} {refusal.reason}")
        return False
    _show(f"recording: {await _recording(complete, key) or 'none was stored'}")
    _show(demo_call.how_to_call(complete, target))
    return right


async def _recording(complete: Settings, key: str) -> str | None:
    """Where the call's recording lies; it is stored within a moment of the hang-up."""
    waiting = AsyncRetrying(
        stop=stop_after_delay(RECORDING_SECONDS),
        wait=wait_fixed(0.5),
        retry=retry_if_result(lambda path: path is None),
        retry_error_callback=lambda state: None,
    )
    return await waiting(demo_call.recording_of, complete, key)


def _show(line: str) -> None:
    print(f"   {line}", flush=True)
