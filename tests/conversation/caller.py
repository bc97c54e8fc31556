"""A caller on a scripted leg: says what the test wants, hears what is said, and keeps it all."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from oneinbox.adapters.media.scripted import ScriptedLeg
from oneinbox.adapters.speech.scripted import ScriptedBrain, ScriptedRecogniser, ScriptedVoice
from oneinbox.contracts.events import CallEnded, CallEvent
from oneinbox.contracts.media import BLOCK_SAMPLES
from oneinbox.contracts.plan import AgentPlan, CallPlan, LlmChoice, SttChoice, TtsChoice
from oneinbox.contracts.speech import ProviderNotConfigured
from oneinbox.conversation import run
from oneinbox.kit.errors import ProviderError

VOICE = (np.sin(np.arange(BLOCK_SAMPLES) * 0.3) * 8000).astype(np.int16).tobytes()


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

    def __init__(
        self, call_plan: CallPlan, leg: ScriptedLeg | None = None, speech: ScriptedSpeech | None = None
    ) -> None:
        self.leg = leg or ScriptedLeg()
        self.recorder = MemoryRecorder()
        self.events: list[CallEvent] = []
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(
            run(
                call_plan,
                self.leg,
                speech or ScriptedSpeech(),  # type: ignore[arg-type]
                recorder=self.recorder,
                emit=self.events.append,
                stop=self.stop,
                clock=LoopClock(),
            )
        )

    def speak(self, seconds: float) -> None:
        """The caller speaks from now on."""
        self.leg.speak(VOICE * round(seconds * 50))

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
