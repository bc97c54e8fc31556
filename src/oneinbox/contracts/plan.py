"""CallPlan: everything a call needs to know, read once at admission and never again."""

from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["inbound", "outbound"]


@dataclass(frozen=True, slots=True)
class LlmChoice:
    """Which brain answers. `provider` is the model's (`builtin`, `scripted`, `openai`, …)."""

    provider: str
    model: str
    temperature: float = 0.7
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class SttChoice:
    """Which recogniser listens."""

    provider: str
    model: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class TtsChoice:
    """Which voice speaks. `speed` is 0.5 to 2.0, 1.0 is the voice's own."""

    provider: str
    voice_id: str | None = None
    speed: float = 1.0
    stability: float = 0.5


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """One agent as it stood when the call was admitted; templates are already filled in."""

    agent_id: str
    name: str
    system_prompt: str
    first_message: str | None
    llm: LlmChoice
    stt: SttChoice
    tts: TtsChoice
    end_call_phrases: tuple[str, ...] = ()
    max_duration_seconds: int = 600
    silence_timeout_seconds: int = 10
    """0 switches it off."""
    interruption_sensitivity: float = 0.5
    """0 to 1: 0 can't be interrupted, 1 stops at the first sound of speech."""
    responsiveness: float = 0.5
    """0 to 1: how soon a pause counts as the end of the caller's turn."""
    enable_recording: bool = False


@dataclass(frozen=True, slots=True)
class VoicemailPlan:
    """What a caller whom no agent can serve hears, and how long they may speak after the beep."""

    message: str
    tts: TtsChoice
    stt: SttChoice
    max_seconds: int = 120


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call: who is on it and the whole chain of who may answer: agents in order, then voicemail."""

    call_id: str
    workspace_id: str
    direction: Direction
    from_number: str | None
    to_number: str
    agents: tuple[AgentPlan, ...]
    voicemail: VoicemailPlan | None = None
    unknown_variables: tuple[str, ...] = field(default=())
    """Names used in templates that had no value: left empty and noted on the call."""
