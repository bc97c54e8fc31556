"""Models as the public API reads and shows them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from oneinbox.contracts.plan import LlmChoice
from oneinbox.kit.bodies import RequestBody

GENERAL_ASSISTANT = (
    "You are a friendly assistant on the telephone. Answer briefly, in plain spoken sentences, "
    "and say so when you don't know something."
)
DEFAULT_TEMPERATURE = 0.7
DEFAULT_MAX_TOKENS = 4000

Name = Annotated[str, Field(min_length=1, max_length=255)]
Prompt = Annotated[str, Field(max_length=200_000)]
Temperature = Annotated[float, Field(ge=0, le=2)]
MaxTokens = Annotated[int, Field(ge=1, le=128_000)]
ProviderName = Literal["builtin", "openai", "shisa", "anthropic", "groq", "gemini", "custom", "scripted"]
ModelName = Annotated[str, Field(min_length=1, max_length=255)]
Url = Annotated[str, Field(max_length=2048)]


class LLMModelCreate(RequestBody):
    name: Name
    provider: ProviderName
    model: ModelName
    credential_id: UUID | None = None
    system_prompt: Prompt = GENERAL_ASSISTANT
    temperature: Temperature = DEFAULT_TEMPERATURE
    max_tokens: MaxTokens | None = DEFAULT_MAX_TOKENS
    tool_ids: list[UUID] = Field(default_factory=list)
    knowledge_base_ids: list[UUID] = Field(default_factory=list)
    custom_websocket_url: Url | None = None


class LLMModelUpdate(RequestBody):
    name: Name | None = None
    provider: ProviderName | None = None
    model: ModelName | None = None
    credential_id: UUID | None = None
    system_prompt: Prompt | None = None
    temperature: Temperature | None = None
    max_tokens: MaxTokens | None = None
    tool_ids: list[UUID] | None = None
    knowledge_base_ids: list[UUID] | None = None
    custom_websocket_url: Url | None = None


class LLMModelResponse(BaseModel):
    id: str
    name: str
    provider: str
    model: str
    system_prompt: str
    temperature: float
    max_tokens: int | None
    tool_ids: list[str]
    knowledge_base_ids: list[str]
    custom_websocket_url: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Mind:
    """What of a model a call needs."""

    system_prompt: str
    llm: LlmChoice
