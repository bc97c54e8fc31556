"""Callers' wishes that go before facts, in the words that callers use."""

import pytest

from oneinbox.adapters.speech.builtin.intents import (
    Intent,
    follow_up,
    intent_of,
    is_noise,
    opening,
    questions,
    tidy,
    without_courtesy,
)


@pytest.mark.parametrize(
    ("intent", "turns"),
    [
        (
            Intent.GOODBYE,
            "Bye.|Okay, thanks, bye bye!|No thanks, that's all.|That'll be everything, thank you.|I have to go.",
        ),
        (Intent.REPEAT, "Could you say that again, please?|Sorry?|What did you say?|I didn't catch that.|Pardon?"),
        (Intent.HUMAN, "I'd like to speak to a human.|Operator.|Get me the manager.|Put me through to Dr. Lee."),
        (Intent.MESSAGE, "Can someone call me back?|I want to leave a message.|Please have Rosa call me."),
        (Intent.YES, "Yes.|Yeah, sure.|Yes, please.|Exactly.|That's right.|Uh-huh."),
        (Intent.NO, "No.|Nope, not really.|No, thank you.|That's not what I meant."),
        (Intent.THANKS, "Thanks!|Thank you so much.|Great, thank you.|Okay, thanks a lot."),
        (Intent.HELLO, "Hello?|Hi there.|Good morning.|Are you there?"),
        (Intent.MACHINE, "Are you a robot?|Is this a real person?|Who are you?"),
        (Intent.HELP, "What can you do?|What can I ask you?|Can you help me?"),
        (Intent.CANCEL, "Never mind.|Forget it.|No message, thanks."),
        (
            None,
            "Where do I have to go?|Do you have staff who speak Spanish?|Can the doctor see you today?"
            "|How do I return it?"
            "|Good morning, I would like to order flowers.|Is it okay to bring a dog?|Do you charge for no-shows?"
            "|I don't eat meat, is that a problem?|Who is the manager?|When can I call you?",
        ),
    ],
)
def test_wishes(intent: Intent | None, turns: str) -> None:
    assert {turn: intent_of(tidy(turn)) for turn in turns.split("|")} == dict.fromkeys(turns.split("|"), intent)


def test_courtesy_in_front_of_a_question_is_not_part_of_it() -> None:
    assert without_courtesy(tidy("Um, hello, when are you open?")) == "when are you open"
    assert without_courtesy(tidy("Great, thanks. And where are you?")) == "where are you"
    assert without_courtesy("thanks") == "thanks"


def test_a_yes_or_no_in_front_of_more() -> None:
    assert opening("yes, and where are you") == (Intent.YES, "and where are you")
    assert opening("no, I meant Sunday") == (Intent.NO, "I meant Sunday")
    assert opening("nothing works") == (None, "nothing works")


@pytest.mark.parametrize(
    ("turn", "parts"),
    [
        ("when are you open and where are you", ["when are you open", "where are you"]),
        ("when are you open? where are you", ["when are you open", "where are you"]),
        ("when and where is the class", ["when is the class", "where is the class"]),
        ("do you sell bread and butter", ["do you sell bread and butter"]),
    ],
)
def test_several_questions_in_one_turn(turn: str, parts: list[str]) -> None:
    assert questions(turn) == parts


def test_what_leans_on_the_question_before() -> None:
    assert follow_up("and on Saturday") == follow_up("what about on Saturday") == "on Saturday"
    assert follow_up("and where are you") is None
    assert follow_up("where are you") is None


@pytest.mark.parametrize(("turn", "noise"), [("", True), ("…", True), ("Um.", True), ("uh, well", True), ("no", False)])
def test_noise_holds_no_words(turn: str, noise: bool) -> None:
    assert is_noise(tidy(turn)) is noise
