"""Agents as the public API reads and shows them, and as a call needs them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from oneinbox.contracts.plan import LlmChoice, SttChoice, TtsChoice
from oneinbox.kit.bodies import RequestBody

SttProvider = Literal["builtin", "deepgram", "whisper", "assembly_ai", "azure", "scripted"]
TtsProvider = Literal["builtin", "cartesia", "deepgram", "elevenlabs", "openai", "shisa", "minimax", "scripted"]

Status = Literal["active", "paused"]
Background = Literal["office", "city", "forest", "crowd", "typing"]
Name = Annotated[str, Field(min_length=1, max_length=255)]
ShortText = Annotated[str, Field(min_length=1, max_length=255)]
Spoken = Annotated[str, Field(max_length=5_000)]
LongText = Annotated[str, Field(max_length=50_000)]
Phrases = Annotated[list[Annotated[str, Field(min_length=1, max_length=200, pattern=r"\w")]], Field(max_length=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Speed = Annotated[float, Field(ge=0.5, le=2.0)]
MaxDuration = Annotated[int, Field(ge=30, le=7200)]
SilenceTimeout = Annotated[int, Field(ge=0, le=300, description="Seconds; 0 switches it off.")]


class Transcriber(RequestBody):
    provider: SttProvider | None = None
    model: ShortText | None = None
    language: ShortText | None = None


class TTS(RequestBody):
    provider: TtsProvider | None = None
    credential_id: UUID | None = None
    voice_id: ShortText | None = None
    speed: Speed | None = None
    stability: Share | None = None


class AgentCreate(RequestBody):
    name: Name
    status: Status = "active"
    llm_id: UUID | None = None
    webhook_id: UUID | None = None
    transcriber: Transcriber = Transcriber()
    tts: TTS = TTS()
    first_message: Spoken | None = None
    end_call_phrases: Phrases = Field(default_factory=list)
    max_duration_seconds: MaxDuration = 600
    interruption_sensitivity: Share = 0.5
    silence_timeout_seconds: SilenceTimeout = 10
    enable_recording: bool = False
    language: ShortText = "en"
    dynamic_variables: dict[str, Any] = Field(default_factory=dict)
    voicemail_detection: bool = False
    voicemail_message: Spoken | None = None
    responsiveness: Share = 0.5
    speed: Speed = 1.0
    background_sound: Background | None = None
    emotions: bool = False
    job_description: LongText | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class AgentUpdate(RequestBody):
    name: Name | None = None
    status: Status | None = None
    llm_id: UUID | None = None
    webhook_id: UUID | None = None
    transcriber: Transcriber | None = None
    tts: TTS | None = None
    first_message: Spoken | None = None
    end_call_phrases: Phrases | None = None
    max_duration_seconds: MaxDuration | None = None
    interruption_sensitivity: Share | None = None
    silence_timeout_seconds: SilenceTimeout | None = None
    enable_recording: bool | None = None
    language: ShortText | None = None
    dynamic_variables: dict[str, Any] | None = None
    voicemail_detection: bool | None = None
    voicemail_message: Spoken | None = None
    responsiveness: Share | None = None
    speed: Speed | None = None
    background_sound: Background | None = None
    emotions: bool | None = None
    job_description: LongText | None = None
    metadata: dict[str, Any] | None = None


class TranscriberResponse(BaseModel):
    provider: str
    model: str
    language: str


class TTSResponse(BaseModel):
    provider: str
    credential_id: str | None
    voice_id: str | None
    speed: float
    stability: float


class AgentResponse(BaseModel):
    id: str
    name: str
    status: Status
    llm_id: str | None
    webhook_id: str | None
    transcriber: TranscriberResponse
    tts: TTSResponse
    first_message: str | None
    end_call_phrases: list[str]
    max_duration_seconds: int
    interruption_sensitivity: float
    silence_timeout_seconds: int
    enable_recording: bool
    language: str
    dynamic_variables: dict[str, Any]
    voicemail_detection: bool
    voicemail_message: str | None
    responsiveness: float
    speed: float
    background_sound: str | None
    emotions: bool
    job_description: str | None
    metadata: dict[str, Any]
    effective_system_prompt: str | None = Field(
        description="The model's system prompt with `job_description` put in front; only when one agent is fetched."
    )
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AgentSnapshot:
    """One agent with its model as they stand now; templates are not filled in yet."""

    agent_id: str
    name: str
    paused: bool
    system_prompt: str
    """With the `# Role` block of its job description in front."""
    first_message: str | None
    llm: LlmChoice
    stt: SttChoice
    tts: TtsChoice
    """Its speed is the agent's times the voice's, within 0.5 to 2.0."""
    end_call_phrases: tuple[str, ...]
    max_duration_seconds: int
    silence_timeout_seconds: int
    interruption_sensitivity: float
    responsiveness: float
    enable_recording: bool
    voicemail_message: str | None
    dynamic_variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def providers(self) -> Mapping[str, str]:
        """The providers of its parts."""
        return {"llm": self.llm.provider, "transcriber": self.stt.provider, "tts": self.tts.provider}
