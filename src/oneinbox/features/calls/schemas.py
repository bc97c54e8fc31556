"""Calls as the public API shows them, and what admission hands over for a new one."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from oneinbox.contracts.plan import CallPlan
from oneinbox.features.calls.events import CallStatus

Direction = Literal["inbound", "outbound"]


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call as it is admitted."""

    plan: CallPlan
    agent_id: str
    phone_id: str | None
    worker_id: str
    weight: int
    variables: dict[str, object] = field(default_factory=dict)
    routing_note: str = ""
    """Why others than those that it was meant for take the call."""


class CallResponse(BaseModel):
    """A call: while it runs with the messages so far, after its end with everything."""

    id: str
    agent_id: str
    type: Literal["web", "outbound", "inbound"]
    status: CallStatus
    direction: Direction
    from_number: str | None
    to_number: str | None
    room_name: str | None
    twilio_call_sid: str | None
    scheduled_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    variables: dict[str, Any]
    metadata: dict[str, Any]
    duration_seconds: float | None
    end_reason: str | None
    transcript: str | None = Field(deprecated=True, description="Use `messages`.")
    messages: list[Any] = Field(
        description="Turns in order: `role` (`agent`, `user`), `content`, `start_ms` and `end_ms` since the answer."
    )
    recording_url: str | None = Field(description="Valid for 4 hours; fetch the call again for a new one.")
    analysis: dict[str, Any]
    outcome: str | None
    ai_summary: str | None
    latency: dict[str, Any] = Field(
        description="`perceived`: end of caller speech to start of agent audio; `eou_delay`, `llm_ttft`, `tts_ttfb`; "
        "`events`: each stage of each turn. Milliseconds."
    )
    cost_cents: float | None
    credits_used: float
    created_at: datetime
    updated_at: datetime
