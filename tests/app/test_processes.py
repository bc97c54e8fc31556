"""The edge process and a voice worker on one PostgreSQL, called by sipp: answered, stopped, drained, lost."""

import asyncio
import contextlib
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import cast

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from tests.app.deployment import (
    NUMBER,
    AgentRow,
    NumberRow,
    add_agent,
    add_number,
    the_attempts,
    the_events,
)
from tests.conftest import DatabaseUrls
from tests.ports import free_port

from oneinbox.app.edge.serve import serve as serve_edge
from oneinbox.app.edge.server import SipPortTaken
from oneinbox.app.plans import UNITS
from oneinbox.app.settings import Address, PortRange, Settings, child_environment
from oneinbox.app.voice.ports import FEW_PAIRS, calls_within, rtp_slice
from oneinbox.app.voice.serve import serve as serve_voice
from oneinbox.features.attempts.models import AttemptRow
from oneinbox.features.calls import service as calls
from oneinbox.features.calls.models import Call
from oneinbox.features.context import Context, Ports
from oneinbox.features.workers.models import Worker
from oneinbox.kit.clock import SystemClock
from oneinbox.kit.db import Database

HERE = Path(__file__).parent
CALLER = HERE.parent / "e2e" / "caller.xml"
SHOP = AgentRow(prompt="SCRIPT: We are open.", first_message="Hello, this is the shop.", enable_recording=True)

pytestmark = pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp is not installed")


@pytest.fixture
def settings(tmp_path: Path, database_urls: DatabaseUrls) -> Settings:
    return settings_for(database_urls.app, tmp_path)


def settings_for(url: str, folder: Path) -> Settings:
    return Settings(
        data_dir=folder,
        database_url=SecretStr(url),
        sip_listen=Address("127.0.0.1", free_port()),
        media_address=IPv4Address("127.0.0.1"),
        rtp_ports=PortRange(21200, 21299),
        voice_capacity=10,
        trusted_sources=(IPv4Network("127.0.0.1/32"),),
        scripted_providers=True,
    )


@dataclass(frozen=True)
class Process:
    """A process's `serve`, running as a task."""

    task: asyncio.Task[None]
    stop: asyncio.Event


@contextlib.asynccontextmanager
async def running(
    serve: Callable[[asyncio.Event, Callable[[], None]], Awaitable[None]],
) -> AsyncIterator[Process]:
    stop, ready = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        await serve(stop, ready.set)

    process = Process(asyncio.create_task(run()), stop)
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({waiting, process.task}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        if process.task.done():
            await process.task
        assert ready.is_set()
        yield process
    finally:
        waiting.cancel()
        process.task.cancel()
        await asyncio.gather(process.task, return_exceptions=True)


def the_edge(settings: Settings) -> contextlib.AbstractAsyncContextManager[Process]:
    return running(lambda stop, ready: serve_edge(settings, stop, ready))


def a_worker(settings: Settings) -> contextlib.AbstractAsyncContextManager[Process]:
    return running(lambda stop, ready: serve_voice(settings, 0, stop, ready))


@contextlib.asynccontextmanager
async def a_worker_process(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """In a process of its own; a line on its stdin stops its media engine."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / "worker_that_dies.py")),
        env=child_environment(settings),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(anext(line async for line in process.stdout if line == b"ready\n"), 60)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def sipp(settings: Settings, number: str = NUMBER) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *("sipp", "-m", "1", "-nostdin", "-timeout", "20s", "-timeout_error", "-i", "127.0.0.1", "-sf", str(CALLER)),
        *("-p", str(free_port()), "-s", number, "-key", "rtp", str(free_port()), str(settings.sip_listen)),
        cwd=settings.data_dir,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def a_call_that(database: Database, wanted: Callable[[Call], bool]) -> Call:
    """The call, once it is as wanted."""
    for _ in range(300):
        async with database.transaction() as session:
            for call in await session.scalars(select(Call)):
                if wanted(call):
                    return call
        await asyncio.sleep(0.05)
    raise AssertionError("No call became what was waited for.")


async def a_worker_in(database: Database, state: str) -> str:
    """The state of the worker, once it is that one or ten seconds have passed."""
    found = ""
    for _ in range(200):
        async with database.transaction() as session:
            found = (await session.scalars(select(Worker.state))).one()
        if found == state:
            break
        await asyncio.sleep(0.05)
    return found


async def with_shop(database: Database) -> None:
    async with database.transaction() as session:
        await add_number(session, await add_agent(session, SHOP), NumberRow(sources=()))


def talking(call: Call) -> bool:
    return call.status == "in_progress"


def over(call: Call) -> bool:
    return call.status in ("completed", "failed")


def test_a_call_is_answered_by_its_agent_and_stands_in_the_record(settings: Settings, database: Database) -> None:
    async def scene() -> tuple[Call, list[str], list[AttemptRow]]:
        await with_shop(database)
        async with the_edge(settings), a_worker(settings), sipp(settings, NUMBER[1:]) as caller:
            assert await asyncio.wait_for(caller.wait(), 30) == 0
            call = await a_call_that(database, over)
            return call, await the_events(database, call.id), await the_attempts(database)

    call, events, (attempt,) = asyncio.run(scene())
    assert (call.status, call.end_reason, call.to_number) == ("completed", "caller_hangup", NUMBER)
    assert [message["content"] for message in call.messages] == [SHOP.first_message]
    assert (events[0], events[-1]) == ("answered", "ended")
    assert (attempt.status, attempt.cause, attempt.call_id) == (200, "admitted", call.id)
    recording = settings.recordings_dir / (call.recording_path or "missing")
    assert recording.stat().st_size > 1000


def test_a_draining_worker_finishes_its_call_and_gets_no_other(settings: Settings, database: Database) -> None:
    async def scene() -> tuple[Call, str, str, list[int]]:
        await with_shop(database)
        async with the_edge(settings), a_worker(settings) as worker:
            async with sipp(settings) as caller:
                await a_call_that(database, talking)
                worker.stop.set()
                state = await a_worker_in(database, "draining")
                async with sipp(settings) as refused:
                    await refused.wait()
                assert await caller.wait() == 0
            await asyncio.wait_for(worker.task, 20)
            gone = await a_worker_in(database, "gone")
            statuses = sorted(attempt.status for attempt in await the_attempts(database))
            return await a_call_that(database, over), state, gone, statuses

    call, draining, gone, statuses = asyncio.run(scene())
    assert (call.status, call.end_reason) == ("completed", "caller_hangup")
    assert (draining, gone) == ("draining", "gone")
    assert statuses == [200, 503]


def test_a_call_is_stopped_from_outside(settings: Settings, database: Database) -> None:
    async def scene() -> Call:
        await with_shop(database)
        async with the_edge(settings), a_worker(settings), sipp(settings):
            call = await a_call_that(database, talking)
            async with database.transaction() as session:
                nothing = cast(Ports, None)
                await calls.stop(Context(session, call.workspace_id, "key", "request", SystemClock(), nothing), call.id)
            return await a_call_that(database, over)

    call = asyncio.run(scene())
    assert (call.status, call.end_reason) == ("completed", "api_stop")


def test_a_worker_whose_engine_dies_ends_with_its_calls_and_callers_hear_of_it(
    settings: Settings, database: Database
) -> None:
    async def scene() -> tuple[Call, int, str, list[str]]:
        await with_shop(database)
        async with the_edge(settings), a_worker_process(settings) as worker, sipp(settings) as caller:
            call = await a_call_that(database, talking)
            assert worker.stdin is not None
            worker.stdin.write(b"\n")
            assert await asyncio.wait_for(caller.wait(), 15) != 0, "sipp stayed on a dead call"
            code = await asyncio.wait_for(worker.wait(), 15)
            events = await the_events(database, call.id)
            return await a_call_that(database, over), code, await a_worker_in(database, "gone"), events

    call, code, state, events = asyncio.run(scene())
    assert (code, state) == (1, "gone")
    assert events[-1] == "ended"
    assert (call.status, call.end_reason) == ("failed", "worker_error")


def test_a_taken_sip_port_is_said_as_such(settings: Settings, database: Database) -> None:
    async def scene() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((settings.sip_listen.host, settings.sip_listen.port))
            async with the_edge(settings):
                pass

    with pytest.raises(SipPortTaken, match="ONEINBOX_SIP_LISTEN"):
        asyncio.run(scene())


def test_an_edge_that_stops_first_writes_down_what_it_answered(settings: Settings, database: Database) -> None:
    async def scene() -> list[AttemptRow]:
        async with the_edge(settings) as edge, sipp(settings) as caller:
            async with database.transaction() as session:
                await session.execute(text("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE"))
                assert await caller.wait() != 0
                edge.stop.set()
                await asyncio.sleep(0.3)
            await asyncio.wait_for(edge.task, 5)
        return await the_attempts(database)

    (attempt,) = asyncio.run(scene())
    assert (attempt.status, attempt.cause) == (404, "no_such_number")


def test_a_worker_with_few_ports_says_so(settings: Settings, database: Database) -> None:
    narrow = settings.model_copy(update={"rtp_ports": PortRange(21300, 21319), "voice_capacity": 100})

    async def scene() -> int:
        async with a_worker(narrow), database.transaction() as session:
            return (await session.scalars(select(Worker.capacity))).one()

    assert asyncio.run(scene()) == 8


@pytest.mark.parametrize(
    ("ports", "workers", "slices"),
    [
        ((10000, 10199), 1, [(10000, 10199)]),
        ((10000, 10199), 2, [(10000, 10099), (10100, 10199)]),
        ((10001, 10010), 1, [(10002, 10009)]),
        ((10001, 10012), 2, [(10002, 10005), (10006, 10009)]),
    ],
)
def test_workers_share_the_ports_in_pairs(ports: tuple[int, int], workers: int, slices: list[tuple[int, int]]) -> None:
    assert [rtp_slice(PortRange(*ports), index, workers) for index in range(workers)] == slices


@pytest.mark.parametrize(
    ("ports", "calls"),
    [
        ((10000, 10199), 80),
        ((10000, 10009), 5),
        ((10000, 10015), 8),
        ((10000, 10021), 8),
        ((10000, 10001), 1),
        ((1, 1), 0),
    ],
)
def test_a_worker_takes_no_more_calls_than_its_ports_surely_carry(ports: tuple[int, int], calls: int) -> None:
    assert calls_within(*ports) == calls


def test_few_ports_are_enough_for_the_dearest_call() -> None:
    assert max(UNITS.values()) <= FEW_PAIRS
