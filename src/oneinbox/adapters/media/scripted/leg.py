"""A call whose far side follows a script and keeps what it hears."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from oneinbox.contracts.media import BLOCK_BYTES, BLOCK_MS, AudioSink, LegEvent

SILENCE = bytes(BLOCK_BYTES)
LEAD_MS = 60


@dataclass(frozen=True, slots=True)
class Speak:
    """The far side says this; times are ms of audio since the call was established."""

    at_ms: int
    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Press:
    """It presses a key."""

    at_ms: int
    digit: str


@dataclass(frozen=True, slots=True)
class Hold:
    """It puts us on hold."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Resume:
    """It takes us off hold."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Stop:
    """It hangs up."""

    at_ms: int


Act = Speak | Press | Hold | Resume | Stop


@dataclass(frozen=True, slots=True)
class LegScript:
    """What the far side does. `failure` is what answering a call from it raises; `refusal` ends a call to it, as in
    "486 Busy Here"."""

    acts: tuple[Act, ...] = ()
    failure: Exception | None = None
    refusal: str | None = None


class ScriptedLeg:
    """A `CallLeg` without a line. It keeps step with `monotonic`, by default the event loop's own clock.

    `said` holds the blocks that the far side was sent, `log` what was done to the call.
    """

    def __init__(
        self,
        headers: Mapping[str, str] | None = None,
        script: LegScript | None = None,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        self.headers: Mapping[str, str] = headers or {}
        self.said: list[bytes] = []
        self.log: list[str] = []
        self.lead_ms = LEAD_MS
        self._script = script or LegScript()
        self._acts = sorted(self._script.acts, key=lambda act: act.at_ms)
        self._monotonic = monotonic
        self._to_hear = bytearray()
        self._to_say = bytearray()
        self._held = False
        self._over = False
        self._sink: AudioSink | None = None
        self._events: asyncio.Queue[LegEvent] = asyncio.Queue()
        self._ticking: asyncio.Task[None] | None = None

    async def answer(self) -> None:
        """Audio flows from now on, unless the script says that answering fails."""
        if self._script.failure is not None:
            raise self._script.failure
        self.log.append("answer")
        self._begin()

    async def reject(self) -> None:
        """The call is over."""
        self.log.append("reject")
        self._end("We refused the call.")

    async def hang_up(self) -> None:
        """The call is over."""
        self.log.append("hang_up")
        self._end("We hung up.")

    def attach(self, sink: AudioSink) -> None:
        """`sink` gets every block from now on."""
        self._sink = sink

    def play(self, pcm: bytes) -> None:
        """Queue audio; while the far side holds the call, it waits."""
        self._to_say += pcm

    def flush(self) -> int:
        """Drop what is queued. Returns the samples dropped."""
        dropped = self.queued_samples
        self._to_say.clear()
        return dropped

    @property
    def queued_samples(self) -> int:
        """Samples that wait to be said."""
        return len(self._to_say) // 2

    async def events(self) -> AsyncIterator[LegEvent]:
        """Everything that happens, up to and with `closed` or `lost`."""
        while True:
            event = await self._events.get()
            yield event
            if event.is_last:
                return

    def established(self) -> None:
        """The far side took a call to it, or refused it."""
        if self._script.refusal is not None:
            self._end(self._script.refusal)
            return
        self._begin()

    def speak(self, pcm: bytes) -> None:
        """The far side says this, behind what it has to say already."""
        self._to_hear += pcm

    def press(self, digit: str) -> None:
        """The far side presses a key."""
        self._events.put_nowait(LegEvent("dtmf", digit))

    def hold(self) -> None:
        """The far side puts us on hold: it hears nothing and is not heard."""
        self._held = True
        self._events.put_nowait(LegEvent("held"))

    def resume(self) -> None:
        """The far side takes us off hold."""
        self._held = False
        self._events.put_nowait(LegEvent("resumed"))

    def stop(self) -> None:
        """The far side hangs up."""
        self._end("The far side hung up.")

    @property
    def sounding(self) -> bool:
        """Whether the last block that the far side was sent had sound."""
        return bool(self.said) and self.said[-1] != SILENCE

    def tick(self) -> None:
        """One block each way, after what the script has for this moment."""
        while self._acts and self._acts[0].at_ms <= len(self.said) * BLOCK_MS:
            self._act(self._acts.pop(0))
        heard = _take(self._to_hear)
        said = SILENCE if self._held else _take(self._to_say)
        self.said.append(said)
        if self._sink is not None:
            self._sink.block(SILENCE if self._held else heard, said)

    def _act(self, act: Act) -> None:
        match act:
            case Speak(pcm=pcm):
                self.speak(pcm)
            case Press(digit=digit):
                self.press(digit)
            case Hold():
                self.hold()
            case Resume():
                self.resume()
            case Stop():
                self.stop()

    def lose(self, cause: str) -> None:
        """The media plane can't carry the call any more."""
        self._end(cause, "lost")

    def _begin(self) -> None:
        self._events.put_nowait(LegEvent("established"))
        self._ticking = asyncio.create_task(self._tick(), name="scripted leg")

    def _end(self, cause: str, kind: Literal["closed", "lost"] = "closed") -> None:
        if self._over:
            return
        self._over = True
        self._events.put_nowait(LegEvent(kind, cause))
        if self._ticking is not None:
            self._ticking.cancel()

    async def _tick(self) -> None:
        monotonic = self._monotonic or asyncio.get_running_loop().time
        due = monotonic()
        while not self._over:
            due += BLOCK_MS / 1000
            await asyncio.sleep(max(0.0, due - monotonic()))
            self.tick()


def _take(queue: bytearray) -> bytes:
    block = bytes(queue[:BLOCK_BYTES]).ljust(BLOCK_BYTES, b"\0")
    del queue[:BLOCK_BYTES]
    return block
