"""How often callers who use other words than the owner get the right answer: a floor under what was measured."""

from collections import Counter

import pytest
from tests.speech.brain.businesses import BUSINESSES, Case

from oneinbox.adapters.speech.builtin import wording
from oneinbox.adapters.speech.builtin.dialogue import Dialogue
from oneinbox.adapters.speech.builtin.knowledge import Knowledge
from oneinbox.adapters.speech.builtin.models import embedder


def outcome(knowledge: Knowledge, case: Case) -> str:
    """`right` at once, `confirmed` after asking back, `unknown` with an offer to take a message, or else `wrong`."""
    dialogue = Dialogue(knowledge)
    said = dialogue.heard(case.asked)
    asked_back = said.startswith("Do you mean") or "Is that what you wanted to know?" in said
    if asked_back:
        said = f"{said} {dialogue.heard('Yes.')}"
    if case.wanted and all(words in said for words in case.wanted):
        return "confirmed" if asked_back else "right"
    if said == wording.unsure(0, "", []):
        return "unknown"
    return "doubted" if asked_back else "wrong"


@pytest.fixture(scope="module")
def outcomes() -> dict[bool, Counter[str]]:
    """By whether the prompt holds an answer."""
    counted: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for prompt, cases in BUSINESSES:
        knowledge = Knowledge(prompt, embedder().embed)
        for case in cases:
            counted[bool(case.wanted)][outcome(knowledge, case)] += 1
    return counted


def test_most_questions_get_their_answer(outcomes: dict[bool, Counter[str]]) -> None:
    answered = outcomes[True]
    assert answered.total() == 44
    assert answered["right"] >= 28, answered
    assert answered["right"] + answered["confirmed"] >= 34, answered
    assert answered["wrong"] <= 4, answered


def test_most_questions_without_an_answer_get_none(outcomes: dict[bool, Counter[str]]) -> None:
    unanswered = outcomes[False]
    assert unanswered.total() == 9
    assert unanswered["wrong"] <= 4, unanswered
