"""Pure parts of admission and of the call record: spellings, templates, tickets, the state machine and the folds."""

from datetime import UTC, datetime, timedelta

import pytest

from oneinbox.app.edge.spelling import candidates
from oneinbox.app.templates import fill
from oneinbox.app.tickets import LIFETIME, TicketBooth, issue
from oneinbox.contracts.events import (
    CallAnswered,
    CallEnded,
    CallEvent,
    EndReason,
    RecordingStored,
    Said,
    TurnMeasured,
)
from oneinbox.features.calls.events import TERMINAL, TRANSITIONS, advance, ending_of, from_payload, to_payload

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = b"k" * 32


@pytest.mark.parametrize(
    ("dialled", "means"),
    [
        ("+15551234567", "+15551234567"),
        ("15551234567", "+15551234567"),
        ("0015551234567", "+15551234567"),
        ("5551234567", "+15551234567"),
        ("02079460000", "+442079460000"),
        ("0612345678", "+390612345678"),
        ("+1 (555) 123-4567;npdi", "+15551234567"),
    ],
)
def test_a_spelling_includes_the_number_it_stands_for(dialled: str, means: str) -> None:
    assert means in candidates(dialled)


@pytest.mark.parametrize("dialled", ["", "+", "alice", "1555x", "+1٥55", "1" * 30])
def test_what_is_no_number_stands_for_none(dialled: str) -> None:
    assert candidates(dialled) == frozenset()


def test_a_plus_leaves_no_doubt() -> None:
    assert candidates("+5551234567") == {"+5551234567"}


def test_templates_fill_known_names_and_note_unknown_ones() -> None:
    text, unknown = fill("Hi {{ name }}, {{greeting}}{{greeting}}! {single}", {"name": "Ada"})
    assert text == "Hi Ada, ! {single}"
    assert unknown == {"greeting"}


def test_values_are_not_filled_again() -> None:
    assert fill("{{a}}", {"a": "{{b}}", "b": "x"})[0] == "{{b}}"


def test_a_ticket_is_good_once() -> None:
    booth = TicketBooth(KEY, "w1")
    ticket = issue(KEY, "c1", "w1", NOW)
    assert booth.admit(ticket, "c1", NOW)
    assert not booth.admit(ticket, "c1", NOW)


@pytest.mark.parametrize(
    ("ticket", "call_id", "at"),
    [
        (issue(KEY, "c1", "w2", NOW), "c1", NOW),
        (issue(KEY, "c1", "w1", NOW), "c2", NOW),
        (issue(b"x" * 32, "c1", "w1", NOW), "c1", NOW),
        (issue(KEY, "c1", "w1", NOW), "c1", NOW + LIFETIME + timedelta(seconds=1)),
        ("", "c1", NOW),
        ("99999999999.é", "c1", NOW),
        ("²." + "0" * 64, "c1", NOW),
    ],
)
def test_a_ticket_for_another_worker_call_key_or_time_is_refused(ticket: str, call_id: str, at: datetime) -> None:
    assert not TicketBooth(KEY, "w1").admit(ticket, call_id, at)


def test_nothing_leaves_a_terminal_status() -> None:
    assert not [status for status, _ in TRANSITIONS if status in TERMINAL]
    assert advance("completed", "broke_off") is None
    assert advance("in_progress", "answered") is None


CONVERSATION: tuple[CallEvent, ...] = (
    CallAnswered(),
    Said(at_ms=200, end_ms=1500, role="agent", text="Hello."),
    Said(at_ms=4000, end_ms=5000, role="agent", text="We open at", interrupted=True),
    Said(at_ms=2000, end_ms=3400, role="user", text="When do you open?"),
    TurnMeasured(at_ms=4000, turn=1, perceived_ms=600, eou_delay_ms=300, llm_ttft_ms=100),
    TurnMeasured(at_ms=9000, turn=2, perceived_ms=800, eou_delay_ms=500),
    RecordingStored(at_ms=12340, path="w/c.ogg", duration_ms=12340),
)


@pytest.mark.parametrize("event", [*CONVERSATION, CallEnded(1, EndReason.API_STOP, metrics={"cpu": 0.5})])
def test_events_survive_storage(event: CallEvent) -> None:
    assert from_payload(to_payload(event)) == event


def test_a_call_is_the_fold_of_its_events() -> None:
    ending = ending_of("in_progress", CONVERSATION, CallEnded(at_ms=12340, reason=EndReason.CALLER_HANGUP))
    assert ending is not None
    assert (ending.status, ending.duration_seconds, ending.recording_path) == ("completed", 12.34, "w/c.ogg")
    assert [(one["role"], one["content"], one["interrupted"]) for one in ending.messages] == [
        ("agent", "Hello.", False),
        ("user", "When do you open?", False),
        ("agent", "We open at", True),
    ]
    assert ending.latency["perceived"] == {"avg_ms": 700, "p50_ms": 700, "turns": 2}
    assert ending.latency["llm_ttft"] == {"avg_ms": 100, "p50_ms": 100, "min_ms": 100, "max_ms": 100, "samples": 1}
    assert "tts_ttfb" not in ending.latency
    assert {"turn": 2, "type": "eou_delay", "ms": 500} in ending.latency["events"]


def test_a_call_that_was_never_answered_lasted_no_time() -> None:
    ending = ending_of("initiated", (), CallEnded(at_ms=900, reason=EndReason.CANCELLED, failed=True))
    assert ending is not None
    assert (ending.status, ending.duration_seconds, ending.latency) == ("failed", 0.0, {})
