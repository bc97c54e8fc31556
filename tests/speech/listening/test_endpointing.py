"""Turns from speech probabilities, in virtual time."""

import pytest

from oneinbox.adapters.speech.builtin.endpointing import Endpointer, Moment, Pauses, sounds_finished

WINDOW = 256


def moments(endpointer: Endpointer, *stretches: tuple[float, int], confidence: float) -> list[tuple[Moment, int]]:
    """Feed (probability, milliseconds) stretches; judge each pause with `confidence`. Moments with their sample."""
    found, at = [], 0
    for probability, milliseconds in stretches:
        for _ in range(milliseconds * 8 // WINDOW):
            moment = endpointer.window(probability, at, at + WINDOW)
            at += WINDOW
            if moment is not None:
                found.append((moment, at))
            if moment is Moment.PAUSED:
                endpointer.judge(confidence)
    return found


@pytest.mark.parametrize(("confidence", "pause_ms"), [(0.9, 500), (0.5, 700), (0.1, 1000)])
def test_a_turn_ends_after_the_pause_that_its_confidence_asks_for(confidence: float, pause_ms: int) -> None:
    endpointer = Endpointer(Pauses.of(0.5))
    found = moments(endpointer, (0.0, 512), (1.0, 2048), (0.0, 1600), confidence=confidence)
    assert [moment for moment, _ in found] == [Moment.STARTED, Moment.PAUSED, Moment.ENDED]
    waited = (found[-1][1] - endpointer.spoke_until) / 8
    assert pause_ms <= waited < pause_ms + 2 * WINDOW / 8


def test_a_click_starts_nothing() -> None:
    assert moments(Endpointer(Pauses.of(0.5)), (0.0, 320), (1.0, 64), (0.0, 1600), confidence=0.9) == []


def test_who_goes_on_keeps_the_turn() -> None:
    found = moments(Endpointer(Pauses.of(0.5)), (1.0, 640), (0.0, 320), (1.0, 640), (0.0, 1600), confidence=0.9)
    expected = [Moment.STARTED, Moment.PAUSED, Moment.RESUMED, Moment.PAUSED, Moment.ENDED]
    assert [moment for moment, _ in found] == expected


def test_responsiveness_orders_the_pauses() -> None:
    waits = [Pauses.of(responsiveness).sure for responsiveness in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert waits == sorted(waits, reverse=True)
    assert len(set(waits)) == len(waits)


@pytest.mark.parametrize(
    ("text", "finished"), [("I would like to", 0.1), ("When do you open?", 0.9), ("Maple Street", 0.5), ("", 0.0)]
)
def test_wording_tells_whether_a_turn_is_finished(text: str, finished: float) -> None:
    assert sounds_finished(text) == finished
