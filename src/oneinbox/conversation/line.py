"""The line of one call: the audio clock, who hears each block, and what has happened to the leg."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import structlog

from oneinbox.contracts.events import CallEvent, DtmfReceived, EndReason, HoldChanged
from oneinbox.contracts.media import BLOCK_MS, CallLeg, LegEvent
from oneinbox.contracts.speech import Recorder

AUDIBLE = 64
"""Peak of 16-bit samples from which a block counts as sound; G.711's idle noise stays below."""

T = TypeVar("T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ends."""

    reason: EndReason
    failed: bool = False
    detail: str | None = None


class Ear(Protocol):
    """Who is on the call for us now."""

    def block(self, heard: bytes, said: bytes) -> None:
        """One tick of the line."""
        ...


def audible(pcm: bytes, peak: int = AUDIBLE) -> bool:
    """Whether 16-bit PCM reaches `peak`."""
    return int(np.abs(np.frombuffer(pcm, np.int16).astype(np.int32)).max(initial=0)) >= peak


class Line:
    """An AudioSink that counts blocks; `over` is resolved once by whatever ends the call from outside."""

    def __init__(self, leg: CallLeg, recorder: Recorder | None, emit: Callable[[CallEvent], None]) -> None:
        self.leg = leg
        self.emit = emit
        self.blocks = 0
        self.held = False
        self.answered = False
        self.closed = False
        self.recording = False
        """Whether blocks go to the recorder from now on."""
        self.recorded = False
        self.ear: Ear | None = None
        self.over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._recorder = recorder

    @property
    def now_ms(self) -> int:
        """Audio time since the answer."""
        return self.blocks * BLOCK_MS

    def block(self, heard: bytes, said: bytes) -> None:
        """One tick from the leg. Nothing that breaks here may break the media plane: it ends this call."""
        self.blocks += 1
        try:
            if self.recording and self._recorder is not None:
                self.recorded = True
                self._recorder.block(heard, said)
            if self.ear is not None:
                self.ear.block(heard, said)
        except Exception as error:  # noqa: BLE001 (the leg's clock serves other calls too)
            self.ear = None
            _log.error("call_block_failed", exc_info=error)
            self.end(
                Ending(EndReason.WORKER_ERROR, failed=True, detail=f"Audio handling broke: {type(error).__name__}.")
            )

    def end(self, ending: Ending) -> None:
        """End the call from outside the conversation; the first reason stands."""
        if not self.over.done():
            self.over.set_result(ending)

    async def until_over(self, work: Coroutine[object, object, T]) -> T | None:
        """The result of `work`, or None, with `work` cancelled and closed, when the call is over before."""
        task = asyncio.create_task(work, name=getattr(work, "__name__", "work"))
        waited: set[asyncio.Future[Ending] | asyncio.Task[T]] = {task, self.over}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if task.cancelled():
            return None
        if self.over.done():
            if error := task.exception():
                _log.warning("failed_as_the_call_ended", reason=type(error).__name__)
            return None
        return task.result()

    async def watch_leg(self) -> None:
        """Follow what happens to the leg until it is closed."""
        last: LegEvent | None = None
        async for event in self.leg.events():
            match event.kind:
                case "dtmf":
                    self.emit(DtmfReceived(at_ms=self.now_ms, digit=event.detail))
                case "held" | "resumed":
                    self._hold(event.kind == "held")
                case "closed" | "lost" | "established":
                    last = event
        self.closed = True
        if last is not None and last.kind == "lost":
            self.end(Ending(EndReason.WORKER_ERROR, failed=True, detail=last.detail))
        elif self.answered:
            self.end(Ending(EndReason.CALLER_HANGUP))
        else:
            self.end(Ending(EndReason.CANCELLED, failed=True, detail="The caller gave up before the answer."))

    async def watch_stop(self, stop: asyncio.Event) -> None:
        """Wait for the request to end the call."""
        await stop.wait()
        self.end(Ending(EndReason.API_STOP))

    def _hold(self, held: bool) -> None:
        if held != self.held:
            self.held = held
            self.emit(HoldChanged(at_ms=self.now_ms, held=held))
