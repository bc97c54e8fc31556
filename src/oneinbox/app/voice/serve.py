"""A voice worker process: the media engine, the speech models, and the desk that carries calls."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from oneinbox.adapters.media.embedded import EmbeddedPlane
from oneinbox.adapters.speech.builtin import models
from oneinbox.adapters.speech.builtin.synthesis import Synthesiser
from oneinbox.adapters.speech.builtin.synthesis import load as load_voice
from oneinbox.adapters.storage.local.recorder import OggRecorder
from oneinbox.app.migrate import require_newest
from oneinbox.app.running import listen, run_beside
from oneinbox.app.settings import Settings
from oneinbox.app.tickets import TicketBooth
from oneinbox.app.voice.desk import Desk
from oneinbox.app.voice.leftovers import remove_leftovers
from oneinbox.app.voice.ports import calls_within, rtp_slice
from oneinbox.app.voice.presence import Presence
from oneinbox.app.voice.rounds import Rounds
from oneinbox.app.voice.speech import DeploymentSpeech
from oneinbox.app.wiring import database_of, sealer_of
from oneinbox.contracts.events import CallEvent
from oneinbox.contracts.media import CallLeg, MediaError
from oneinbox.contracts.plan import CallPlan
from oneinbox.contracts.speech import Recorder
from oneinbox.conversation import run as converse
from oneinbox.features.calls import service as calls
from oneinbox.features.workers.schemas import Registration
from oneinbox.kit.clock import SystemClock
from oneinbox.kit.db import Database
from oneinbox.kit.ids import new_id
from oneinbox.kit.processes import FolderLock
from oneinbox.kit.signing import CALL_TICKET, deployment_key

DRAIN_SECONDS = 7200.0
"""The longest that a call may last."""
FAREWELL_SECONDS = 5.0
ENCODERS = 2
PREPARATION_SECONDS = 60.0
"""What one voice takes to be prepared at most; waiting for it costs no more than preparing another beside it."""
LOOK_SECONDS = 0.2

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Talk:
    """What conversations are made of: the `Converse` of the desk, and its recorders."""

    settings: Settings
    speech: DeploymentSpeech
    clock: SystemClock
    encoders: ThreadPoolExecutor

    async def converse(
        self,
        plan: CallPlan,
        leg: CallLeg,
        recorder: Recorder | None,
        emit: Callable[[CallEvent], None],
        stop: asyncio.Event,
    ) -> None:
        """One call's conversation; while it begins, what its later turns need is prepared."""
        preparing = asyncio.create_task(self.speech.prepare(plan), name=f"prepare {plan.call_id}")
        preparing.add_done_callback(_prepared)
        try:
            await converse(plan, leg, self.speech, recorder=recorder, emit=emit, stop=stop, clock=self.clock)
        finally:
            preparing.cancel()

    def recorder(self, plan: CallPlan, leg: CallLeg) -> Recorder | None:
        """A recorder when anyone in the chain may want one."""
        if plan.voicemail is None and not any(agent.enable_recording for agent in plan.agents):
            return None
        folder = self.settings.recordings_dir
        return OggRecorder(folder, plan.workspace_id, plan.call_id, self.encoders, lead_ms=leg.lead_ms)


async def serve(settings: Settings, index: int, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Carry calls until `stop` is set, and then those that have begun; `ready` is called once calls may come.

    Raises MediaError when the media engine can't start, or dies.
    """
    synthesiser = await _warm_up(settings.voice_dir)
    database = database_of(settings)
    speech = DeploymentSpeech(settings, synthesiser)
    encoders = ThreadPoolExecutor(ENCODERS, thread_name_prefix="encoder")
    try:
        talk = Talk(settings, speech, SystemClock(), encoders)
        await _Worker(settings, index, database, talk, await _ticket_key(settings, database)).work(stop, ready)
    finally:
        await speech.aclose()
        await database.close()
        encoders.shutdown(wait=False)
        synthesiser.close()


class _Worker:
    """One life of a worker."""

    def __init__(self, settings: Settings, index: int, database: Database, talk: Talk, ticket_key: bytes) -> None:
        self._id = new_id()
        self._settings = settings
        self._database = database
        self._talk = talk
        self._ports = rtp_slice(settings.rtp_ports, index, settings.voice_workers)
        self._plane = EmbeddedPlane(str(settings.media_address), self._ports, talk.clock.monotonic)
        booth = TicketBooth(ticket_key, self._id)
        self._desk = Desk(self._id, database, talk.clock, booth, talk.converse, talk.recorder)

    async def work(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """From the first registration to the last goodbye."""
        host, port = await self._plane.start(self._desk.take)
        presence = Presence(self._database, self._registration(host, port))
        try:
            await presence.register()
            _log.info("worker_ready", worker_id=self._id, address=f"{host}:{port}", rtp_ports=self._ports)
            ready()
            await self._carry(presence, stop)
        finally:
            await self._leave(presence)

    async def _carry(self, presence: Presence, stop: asyncio.Event) -> None:
        rounds = Rounds(self._database, self._talk.clock, self._desk)
        eternal = {
            "media engine": self._until_it_fails(),
            "heartbeat": presence.beat(),
            "rounds": rounds.run(),
            "leftovers": remove_leftovers(self._database, self._settings.recordings_dir),
            "stop requests": listen(self._database, calls.STOP_CHANNEL, lambda call_id: rounds.wake()),
        }
        await run_beside(self._until_drained(presence, stop), eternal)

    async def _leave(self, presence: Presence) -> None:
        """Say goodbye, so that the edge ends what is left, and hang up; an engine that hangs ends with the process."""
        await presence.leave()
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._plane.close()
        except TimeoutError:
            _log.warning("media_engine_not_closed")
        finally:
            await self._desk.empty(FAREWELL_SECONDS)

    async def _until_it_fails(self) -> None:
        raise MediaError("embedded", await self._plane.failed(), retryable=True)

    async def _until_drained(self, presence: Presence, stop: asyncio.Event) -> None:
        await stop.wait()
        _log.info("worker_draining", worker_id=self._id, calls=len(self._desk.carried))
        await presence.drain()
        await self._desk.empty(DRAIN_SECONDS)

    def _registration(self, host: str, port: int) -> Registration:
        capacity = min(self._settings.voice_capacity, calls_within(*self._ports))
        return Registration(self._id, host, port, capacity, os.getpid())


def _prepared(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _log.warning("not_prepared", reason=type(error).__name__)


async def _warm_up(folder: Path) -> Synthesiser:
    """Load all that speaks, listens and thinks here, so that no caller waits for it.

    `folder` keeps the prepared voice for the next start, and for others who start now: they wait for it.
    """
    _log.info("loading_models", what="voice")
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    lock = FolderLock(folder)
    try:
        synthesiser = await asyncio.to_thread(load_voice, folder if await _ours(lock) else None)
    finally:
        lock.release()
    _log.info("loading_models", what="recogniser and brain")
    await asyncio.to_thread(models.warm_up)
    _log.info("models_loaded")
    return synthesiser


async def _ours(lock: FolderLock) -> bool:
    """Whether we have got the lock within PREPARATION_SECONDS."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PREPARATION_SECONDS):
            while not lock.acquire():  # noqa: ASYNC110 (another process gives it back)
                await asyncio.sleep(LOOK_SECONDS)
            return True
    return False


async def _ticket_key(settings: Settings, database: Database) -> bytes:
    sealer = sealer_of(settings)
    async with database.transaction() as session:
        await require_newest(session)
        return await deployment_key(session, sealer, CALL_TICKET)
