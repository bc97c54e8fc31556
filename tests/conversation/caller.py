"""A caller on a scripted leg: says what the test wants, hears what is said, and keeps it all."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from oneinbox.adapters.speech.scripted import ScriptedBrain, ScriptedRecogniser, ScriptedVoice
from oneinbox.contracts.events import CallEnded, CallEvent
from oneinbox.contracts.media import BLOCK_BYTES, BLOCK_SAMPLES, AudioSink, LegEvent
from oneinbox.contracts.plan import AgentPlan, CallPlan, LlmChoice, SttChoice, TtsChoice
from oneinbox.contracts.speech import ProviderNotConfigured
from oneinbox.conversation import run
from oneinbox.kit.errors import ProviderError

SILENCE = bytes(BLOCK_BYTES)
VOICE = (np.sin(np.arange(BLOCK_SAMPLES) * 0.3) * 8000).astype(np.int16).tobytes()
LEAD_MS = 60


class LoopClock:
    """The loop's own clock."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.monotonic(), UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class ScriptedSpeech:
    """Everything scripted; any other provider is not configured."""

    def recogniser(self, choice: SttChoice, *, responsiveness: float):
        self._check(choice.provider)
        return ScriptedRecogniser()(choice, responsiveness=responsiveness)

    def brain(self, choice: LlmChoice):
        self._check(choice.provider)
        return ScriptedBrain()(choice)

    def voice(self, choice: TtsChoice):
        self._check(choice.provider)
        return ScriptedVoice()(choice)

    def _check(self, provider: str) -> None:
        if provider != "scripted":
            raise ProviderNotConfigured(provider, f"{provider} is not configured.", retryable=False)


@dataclass
class MemoryRecorder:
    """Counts what it is given."""

    blocks: int = 0
    state: str = "open"

    def block(self, heard: bytes, said: bytes) -> None:
        assert self.state == "open"
        self.blocks += 1

    async def finish(self) -> tuple[str, int]:
        self.state = "finished"
        return "w/call.ogg", self.blocks * 20

    async def discard(self) -> None:
        self.state = "discarded"


@dataclass
class Leg:
    """A CallLeg whose clock is the loop's."""

    headers: Mapping[str, str] = field(default_factory=dict)
    said: list[bytes] = field(default_factory=list)
    heard_queue: list[bytes] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    held: bool = False
    answer_error: Exception | None = None
    lead_ms: int = LEAD_MS

    def __post_init__(self) -> None:
        self._queue = bytearray()
        self._sink: AudioSink | None = None
        self._events: asyncio.Queue[LegEvent] = asyncio.Queue()
        self._ticking: asyncio.Task[None] | None = None

    async def answer(self) -> None:
        if self.answer_error is not None:
            raise self.answer_error
        self.log.append("answer")
        self._ticking = asyncio.create_task(self._tick())

    async def reject(self) -> None:
        self.log.append("reject")
        self._close()

    async def hang_up(self) -> None:
        self.log.append("hang_up")
        self._close()

    def attach(self, sink: AudioSink) -> None:
        self._sink = sink

    def play(self, pcm: bytes) -> None:
        self._queue += pcm

    def flush(self) -> int:
        dropped = len(self._queue) // 2
        self._queue.clear()
        return dropped

    @property
    def queued_samples(self) -> int:
        return len(self._queue) // 2

    async def events(self) -> AsyncIterator[LegEvent]:
        while True:
            event = await self._events.get()
            yield event
            if event.kind == "closed":
                return

    def happen(self, kind: str, detail: str = "") -> None:
        """Something happens on the far side."""
        if kind in ("held", "resumed"):
            self.held = kind == "held"
        self._events.put_nowait(LegEvent(kind, detail))  # type: ignore[arg-type]
        if kind == "closed":
            self._close()

    def speak(self, seconds: float) -> None:
        """The caller speaks from now on."""
        self.heard_queue += [VOICE] * round(seconds * 50)

    @property
    def sounding(self) -> bool:
        """Whether the last block had sound."""
        return bool(self.said) and self.said[-1] != SILENCE

    def _close(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            heard = self.heard_queue.pop(0) if self.heard_queue else SILENCE
            said = bytes(self._queue[:BLOCK_BYTES]).ljust(BLOCK_BYTES, b"\0")
            del self._queue[:BLOCK_BYTES]
            self.said.append(said)
            if self._sink is not None:
                self._sink.block(SILENCE if self.held else heard, said)


AGENT = AgentPlan(
    agent_id="agent-1",
    name="One",
    system_prompt="SCRIPT: We open at nine in the morning.\nSCRIPT: Until six in the evening.",
    first_message="Hello, this is the shop.",
    llm=LlmChoice("scripted", "script"),
    stt=SttChoice("scripted", "when do you open|and until when|thanks that's all, good bye"),
    tts=TtsChoice("scripted"),
    enable_recording=True,
)


def plan(*agents: AgentPlan, **changes: object) -> CallPlan:
    """A call for these agents, or for AGENT."""
    return replace(
        CallPlan("call-1", "ws-1", "inbound", "+15550001", "+15550002", agents or (AGENT,)),
        **changes,  # type: ignore[arg-type]
    )


class Call:
    """A running call."""

    def __init__(self, call_plan: CallPlan, leg: Leg | None = None) -> None:
        self.leg = leg or Leg()
        self.recorder = MemoryRecorder()
        self.events: list[CallEvent] = []
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(
            run(
                call_plan,
                self.leg,
                ScriptedSpeech(),  # type: ignore[arg-type]
                recorder=self.recorder,
                emit=self.events.append,
                stop=self.stop,
                clock=LoopClock(),
            )
        )

    async def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Let time pass until something holds."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 (the condition belongs to the test)
                await asyncio.sleep(0.02)

    def of(self, kind: type) -> list:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Who said what."""
        return [(event.role, event.text) for event in self.events if event.type == "said"]

    async def ended(self, seconds: float = 120) -> CallEnded:
        """Wait for the end; checks what holds for every call."""
        async with asyncio.timeout(seconds):
            ended = await self.task
        assert self.of(CallEnded) == [ended]
        assert self.events[-1] is ended
        assert self.recorder.state == ("finished" if self.recorder.blocks else "discarded")
        return ended


class MediaGone(ProviderError):
    """The call is gone."""
