"""The small parts: phrases, the speaker's position, sensitivity."""

import pytest

from oneinbox.adapters.media.scripted import ScriptedLeg
from oneinbox.conversation.agent import barge_in_ms
from oneinbox.conversation.phrases import contains_phrase
from oneinbox.conversation.speaker import AHEAD_SAMPLES, Speaker


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("Well, good-bye then.", "Good bye", True),
        ("That’s all, thank you", "that's all", True),
        ("Well, goodbye.", "good bye", True),
        ("Thank you, good bye.", "goodbye", True),
        ("That is a very good byelaw.", "goodbye", False),
        ("A feelgood bye", "goodbye", False),
        ("good morning, bye", "good bye", False),
        ("anything", "", False),
        ("anything", "!?", False),
        ("bye", "bye bye", False),
    ],
)
def test_phrases_are_compared_by_whole_words(text: str, phrase: str, found: bool) -> None:
    assert contains_phrase(text, [phrase]) is found


def test_sensitivity_becomes_a_duration() -> None:
    assert [barge_in_ms(value) for value in (0.0, 0.1, 0.5, 1.0)] == [None, 720, 400, 0]


def take(leg: ScriptedLeg, blocks: int) -> None:
    """Time passes on the line."""
    for _ in range(blocks):
        leg.tick()


def test_speaker_stays_just_ahead_and_knows_what_was_played() -> None:
    leg = ScriptedLeg()
    speaker = Speaker(leg)
    speaker.push(b"\1\0" * 8000)
    assert leg.queued_samples == AHEAD_SAMPLES
    for _ in range(10):
        take(leg, 1)
        assert speaker.tick() is None
    assert leg.queued_samples == AHEAD_SAMPLES
    assert speaker.played_samples == 1600
    played = speaker.cut()
    assert played is not None
    assert (played.seconds, played.interrupted) == (0.2, True)
    assert leg.queued_samples == 0
    assert speaker.cut() is None


def test_speaker_fills_up_the_last_block_and_finishes_once() -> None:
    leg = ScriptedLeg()
    speaker = Speaker(leg)
    speaker.push(b"\1\0" * 100)
    speaker.push(b"\2\0" * 100)
    assert leg.queued_samples == 160
    speaker.seal()
    assert speaker.tick() is None
    assert leg.queued_samples == 320
    take(leg, 2)
    played = speaker.tick()
    assert played is not None
    assert (played.seconds, played.interrupted) == (0.04, False)
    assert speaker.tick() is None
