"""Runs a whole deployment on one machine: its database, its processes, and whatever of them dies."""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from oneinbox.app import own_database
from oneinbox.app.process import READY, UNUSABLE_EXIT
from oneinbox.app.settings import Address, Settings, child_environment, variable
from oneinbox.app.wiring import database_of, sealer_of
from oneinbox.features.workers import service as workers
from oneinbox.kit.db import Database
from oneinbox.kit.errors import OneInboxError
from oneinbox.kit.postgres import EmbeddedPostgres, PostgresFailed
from oneinbox.kit.processes import dying_with_parent, port_is_free

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 10.0
WATCH_SECONDS = 0.5
STOP_SECONDS = 15.0

_log = structlog.get_logger(__name__)

Tell = Callable[[str], None]
"""Shows a line of progress."""


class CannotRun(OneInboxError):
    """A process of the deployment can't work as it is set up; it has said why."""

    code = "CANNOT_RUN"


class PortTaken(OneInboxError):
    """Another program listens where this one is to."""

    code = "PORT_TAKEN"


class Supervisor:
    """`ready` is set when calls are answered for the first time."""

    def __init__(self, settings: Settings, database: Database, tell: Tell) -> None:
        self.ready = asyncio.Event()
        self._database = database
        self._tell = tell
        environment = child_environment(settings)
        numbers = map(str, range(settings.voice_workers))
        self._voices = [_Child(("voice", "--index", number), environment, self._mourn) for number in numbers]
        self._doors = [_Child((name,), environment, self._mourn) for name in ("api", "jobs", "edge")]

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: then calls that have begun are carried to their end. Raises CannotRun."""
        children = [*self._voices, *self._doors]
        self._tell("starting the API and the SIP edge, loading the speech models …")
        try:
            async with asyncio.TaskGroup() as tasks:
                for child in children:
                    tasks.create_task(child.keep_running(), name=child.name)
                telling = tasks.create_task(self._until_ready(children), name="readiness")
                await stop.wait()
                telling.cancel()
                await self._stop_in_order()
        except* CannotRun as group:
            raise group.exceptions[0] from None
        finally:
            for child in children:
                await child.kill()

    async def _mourn(self, pid: int) -> None:
        """Say at once that a voice worker is no more, before its heartbeat is missed."""
        try:
            async with self._database.transaction() as session:
                await workers.gone_with_process(session, pid)
        except (DBAPIError, PoolTimeout, OSError) as error:
            _log.warning("death_not_told", pid=pid, reason=type(error).__name__)

    async def _until_ready(self, children: "list[_Child]") -> None:
        for child in children:
            await child.ready.wait()
        self.ready.set()

    async def _stop_in_order(self) -> None:
        """The voice workers first: as long as one of them carries a call, the edge must pass its BYE."""
        self._tell("stopping; calls that have begun are carried to their end (Ctrl-C again hangs up)")
        await asyncio.gather(*(child.end(None) for child in self._voices))
        await asyncio.gather(*(child.end(STOP_SECONDS) for child in self._doors))


class _Child:
    """One process that is started again whenever it ends."""

    def __init__(
        self, arguments: tuple[str, ...], environment: Mapping[str, str], mourn: Callable[[int], Awaitable[None]]
    ) -> None:
        self.name = " ".join(arguments)
        self.ready = asyncio.Event()
        self._arguments = (sys.executable, "-m", "oneinbox", *arguments)
        self._environment = environment
        self._mourn = mourn
        self._process: Process | None = None
        self._ending = False

    async def keep_running(self) -> None:
        """Return when the process was ended on purpose. Raises CannotRun."""
        pause = FIRST_PAUSE_SECONDS
        while not self._ending:
            served = await self._live()
            if self._ending:
                return
            pause = FIRST_PAUSE_SECONDS if served else min(pause * 2, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(pause)

    async def end(self, seconds: float | None) -> None:
        """Ask it to stop, and kill it when it hasn't after that time; without one it may take as long as it needs."""
        self._ending = True
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it now."""
        self._ending = True
        if self._process is not None:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    async def _live(self) -> bool:
        """One life of the process: whether it ever served."""
        self._process = process = await asyncio.create_subprocess_exec(
            *self._arguments,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=dying_with_parent(signal.SIGKILL),
        )
        if self._ending:
            self._signal(signal.SIGTERM)
        assert process.stdout is not None
        served = False
        async for line in process.stdout:
            if line.decode(errors="replace").strip() == READY:
                served = True
                self.ready.set()
        code = await process.wait()
        await self._mourn(process.pid)
        if not self._ending:
            _log.error("process_ended", name=self.name, pid=process.pid, exit_code=code)
            if code == UNUSABLE_EXIT:
                raise CannotRun(f"`oneinbox {self.name}` can't run as it is set up; its last line says why.")
        return served

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            if self._process is not None:
                self._process.send_signal(number)


async def watch(server: EmbeddedPostgres) -> None:
    """Start the database again whenever it ends, on its port, for ever."""
    port = server.port
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        if not server.exited:
            continue
        _log.error("database_ended", port=port)
        try:
            server.stop()
            server.start(port=port)
        except PostgresFailed as error:
            _log.error("database_not_restarted", reason=str(error))
        else:
            _log.warning("database_restarted", port=port)


async def run_deployment(
    settings: Settings, tell: Tell, stop: asyncio.Event, after_ready: "Callable[[Settings], asyncio.Task[None]] | None"
) -> None:
    """Database, migrations, processes. `after_ready` is started once calls are answered.

    Raises SealingError, PortTaken, PostgresFailed, MigrationFailed, DataFolderBusy, CannotRun.
    """
    server = None
    lock = own_database.hold(settings)
    if lock is None:
        raise own_database.DataFolderBusy(f"{settings.data_dir} is in use: is `oneinbox up` running already?")
    try:
        sealer_of(settings)
        _require_ports(settings)
        if settings.database_url is None:
            tell("starting the database …")
            server = own_database.server_of(settings)
            server.start()
            settings = own_database.with_urls(settings, server)
        own_database.migrate_as(settings)
        await _supervise(settings, server, tell, stop, after_ready)
    finally:
        if server is not None:
            server.stop()
        lock.release()


def _require_ports(settings: Settings) -> None:
    doors = [("api_listen", socket.SOCK_STREAM), ("sip_listen", socket.SOCK_DGRAM), ("sip_listen", socket.SOCK_STREAM)]
    for name, kind in doors:
        address: Address = getattr(settings, name)
        if not port_is_free(kind, address.host, address.port):
            raise PortTaken(f"{variable(name)}: can't listen on {address}: another program does, or it isn't ours.")


async def _supervise(
    settings: Settings,
    server: EmbeddedPostgres | None,
    tell: Tell,
    stop: asyncio.Event,
    after_ready: "Callable[[Settings], asyncio.Task[None]] | None",
) -> None:
    database = database_of(settings, pool_size=1)
    supervisor = Supervisor(settings, database, tell)
    running = asyncio.create_task(supervisor.run(stop), name="supervisor")
    becoming_ready = asyncio.create_task(supervisor.ready.wait(), name="readiness")
    watching = None if server is None else asyncio.create_task(watch(server), name="database watch")
    follow_up: asyncio.Task[None] | None = None
    try:
        await asyncio.wait({running, becoming_ready}, return_when=asyncio.FIRST_COMPLETED)
        if supervisor.ready.is_set() and after_ready is not None:
            follow_up = after_ready(settings)
        await running
    finally:
        for task in (running, becoming_ready, watching, follow_up):
            if task is not None:
                task.cancel()
        leftovers = [task for task in (running, becoming_ready, watching, follow_up) if task is not None]
        await asyncio.gather(*leftovers, return_exceptions=True)
        await database.close()
