"""A call's events as rows, its state machine, and the folds that make a call record of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Annotated, Literal, TypedDict

from pydantic import Discriminator, TypeAdapter

from oneinbox.contracts.events import (
    CallEnded,
    CallEvent,
    EndReason,
    RecordingLost,
    RecordingStored,
    Said,
    TurnMeasured,
)

CallStatus = Literal["queued", "initiated", "in_progress", "completed", "failed"]
Step = Literal["dispatched", "answered", "ended", "broke_off"]

TRANSITIONS: Mapping[tuple[str, Step], CallStatus] = {
    ("queued", "dispatched"): "initiated",
    ("queued", "ended"): "completed",
    ("queued", "broke_off"): "failed",
    ("initiated", "answered"): "in_progress",
    ("initiated", "ended"): "completed",
    ("initiated", "broke_off"): "failed",
    ("in_progress", "ended"): "completed",
    ("in_progress", "broke_off"): "failed",
}
TERMINAL: frozenset[CallStatus] = frozenset({"completed", "failed"})
LIVE: frozenset[CallStatus] = frozenset({"initiated", "in_progress"})

_EVENT: TypeAdapter[CallEvent] = TypeAdapter(Annotated[CallEvent, Discriminator("type")])


def advance(status: str, step: Step) -> CallStatus | None:
    """The status that follows, or None when the step means nothing in this status."""
    return TRANSITIONS.get((status, step))


def to_payload(event: CallEvent) -> dict[str, object]:
    """The event as JSON for the `payload` column."""
    payload: dict[str, object] = _EVENT.dump_python(event, mode="json")
    return payload


def from_payload(payload: Mapping[str, object]) -> CallEvent:
    """The event that `to_payload` wrote."""
    return _EVENT.validate_python(dict(payload))


@dataclass(frozen=True, slots=True)
class Fact:
    """An event with its place in the call: `seq` counts from 0, `at` is the wall clock when it happened."""

    seq: int
    at: datetime
    event: CallEvent


class Message(TypedDict):
    """One turn as the API shows it; times are milliseconds of audio since the answer."""

    role: str
    content: str
    start_ms: int
    end_ms: int
    interrupted: bool


class Spread(TypedDict):
    """Milliseconds of one stage over all turns that measured it."""

    avg_ms: int
    p50_ms: int
    min_ms: int
    max_ms: int
    samples: int


class Perceived(TypedDict):
    """What the caller waited: end of their speech to start of agent audio."""

    avg_ms: int
    p50_ms: int
    turns: int


class LatencyEvent(TypedDict):
    """One measured stage of one turn."""

    turn: int
    type: str
    ms: int


class Latency(TypedDict, total=False):
    """The `latency` object of a call; a stage that nothing measured is left out."""

    perceived: Perceived
    eou_delay: Spread
    llm_ttft: Spread
    tts_ttfb: Spread
    events: list[LatencyEvent]


@dataclass(frozen=True, slots=True)
class Ending:
    """What an ended call's row says."""

    status: CallStatus
    end_reason: EndReason
    duration_seconds: float
    messages: list[Message]
    latency: Latency
    recording_path: str | None
    recording_note: str | None
    """Why there is no recording though there was to be one."""


def messages_of(events: Sequence[CallEvent]) -> list[Message]:
    """The turns said, in the order in which they began."""
    said = sorted((event for event in events if isinstance(event, Said)), key=lambda event: event.at_ms)
    return [
        Message(role=one.role, content=one.text, start_ms=one.at_ms, end_ms=one.end_ms, interrupted=one.interrupted)
        for one in said
    ]


def latency_of(events: Sequence[CallEvent]) -> Latency:
    """The stages of each turn and their spread; empty when nothing was measured."""
    turns = [event for event in events if isinstance(event, TurnMeasured)]
    if not turns:
        return Latency()
    waited = [turn.perceived_ms for turn in turns]
    latency = Latency(perceived=Perceived(avg_ms=_mean(waited), p50_ms=round(median(waited)), turns=len(turns)))
    if eou := [turn.eou_delay_ms for turn in turns if turn.eou_delay_ms is not None]:
        latency["eou_delay"] = _spread(eou)
    if ttft := [turn.llm_ttft_ms for turn in turns if turn.llm_ttft_ms is not None]:
        latency["llm_ttft"] = _spread(ttft)
    if ttfb := [turn.tts_ttfb_ms for turn in turns if turn.tts_ttfb_ms is not None]:
        latency["tts_ttfb"] = _spread(ttfb)
    latency["events"] = [event for turn in turns for event in _stages(turn)]
    return latency


def ending_of(status: str, events: Sequence[CallEvent], ended: CallEnded) -> Ending | None:
    """The fold over a whole call; None when a call in this status can't end any more."""
    after = advance(status, "broke_off" if ended.failed else "ended")
    if after is None:
        return None
    return Ending(
        status=after,
        end_reason=ended.reason,
        duration_seconds=round(ended.at_ms / 1000, 2) if status == "in_progress" else 0.0,
        messages=messages_of(events),
        latency=latency_of(events),
        recording_path=next((event.path for event in events if isinstance(event, RecordingStored)), None),
        recording_note=next((event.reason for event in events if isinstance(event, RecordingLost)), None),
    )


def _mean(values: Sequence[int]) -> int:
    return round(sum(values) / len(values))


def _spread(values: Sequence[int]) -> Spread:
    return Spread(
        avg_ms=_mean(values),
        p50_ms=round(median(values)),
        min_ms=min(values),
        max_ms=max(values),
        samples=len(values),
    )


def _stages(turn: TurnMeasured) -> list[LatencyEvent]:
    stages = {
        "perceived": turn.perceived_ms,
        "eou_delay": turn.eou_delay_ms,
        "llm_ttft": turn.llm_ttft_ms,
        "tts_ttfb": turn.tts_ttfb_ms,
    }
    return [LatencyEvent(turn=turn.turn, type=name, ms=ms) for name, ms in stages.items() if ms is not None]
