"""CallEvents: the append-only facts of a call; transcript, duration, latency and outcome are folds over them.

`at_ms` counts milliseconds of audio time since the call was answered.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class EndReason(StrEnum):
    """Why a call ended; a closed set of the public API."""

    AGENT_HANGUP = "agent_hangup"
    CALLER_HANGUP = "caller_hangup"
    END_CALL_PHRASE = "end_call_phrase"
    API_STOP = "api_stop"
    SILENCE_TIMEOUT = "silence_timeout"
    MAX_DURATION = "max_duration"
    TRANSFERRED = "transferred"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    CARRIER_ERROR = "carrier_error"
    WORKER_ERROR = "worker_error"
    NOT_AUTHORIZED = "not_authorized"


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The 200 OK went out: the audio clock starts."""

    at_ms: int = 0
    type: Literal["answered"] = "answered"


@dataclass(frozen=True, slots=True)
class AgentStarted:
    """An agent of the chain has taken the call."""

    at_ms: int
    agent_id: str
    type: Literal["agent_started"] = "agent_started"


@dataclass(frozen=True, slots=True)
class AgentFailed:
    """An agent of the chain could not serve the call; the next in the chain follows."""

    at_ms: int
    agent_id: str
    reason: str
    type: Literal["agent_failed"] = "agent_failed"


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of one side. For the agent only what was really played, cut where barge-in cut it."""

    at_ms: int
    end_ms: int
    role: Literal["user", "agent"]
    text: str
    interrupted: bool = False
    type: Literal["said"] = "said"


@dataclass(frozen=True, slots=True)
class TurnMeasured:
    """The latency of one turn, from the audio itself: end of caller speech to start of agent audio, in ms."""

    at_ms: int
    turn: int
    perceived_ms: int
    eou_delay_ms: int | None = None
    """End of caller speech to the decision that the turn is over."""
    llm_ttft_ms: int | None = None
    """Asking the brain to its first token; it is asked ahead of the decision where the turn seems to be over."""
    tts_ttfb_ms: int | None = None
    """Text in to first audio out of the voice."""
    type: Literal["turn_measured"] = "turn_measured"


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """The caller pressed a key (RFC 4733)."""

    at_ms: int
    digit: str
    type: Literal["dtmf"] = "dtmf"


@dataclass(frozen=True, slots=True)
class HoldChanged:
    """The caller's side put us on hold or took us back."""

    at_ms: int
    held: bool
    type: Literal["hold"] = "hold"


@dataclass(frozen=True, slots=True)
class RecordingStored:
    """The recording is complete; `path` is relative to the data folder's recordings."""

    at_ms: int
    path: str
    duration_ms: int
    type: Literal["recording"] = "recording"


@dataclass(frozen=True, slots=True)
class RecordingLost:
    """There was to be a recording and there is none; `reason` says why, in plain words."""

    at_ms: int
    reason: str
    type: Literal["recording_lost"] = "recording_lost"


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The terminal event: exactly one a call, always the last."""

    at_ms: int
    reason: EndReason
    failed: bool = False
    """True gives the status `failed`, else `completed`."""
    detail: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    type: Literal["ended"] = "ended"


CallEvent = (
    CallAnswered
    | AgentStarted
    | AgentFailed
    | Said
    | TurnMeasured
    | DtmfReceived
    | HoldChanged
    | RecordingStored
    | RecordingLost
    | CallEnded
)
