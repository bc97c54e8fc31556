"""Whole conversations with the builtin brain: asking back, taking messages, being unsure with grace."""

from collections import Counter

import pytest

from oneinbox.adapters.speech.builtin import wording
from oneinbox.adapters.speech.builtin.dialogue import Dialogue
from oneinbox.adapters.speech.builtin.knowledge import Knowledge
from oneinbox.adapters.speech.builtin.models import embedder

SHOP = """You are the receptionist of Rosa's Flowers.
We are open Monday to Friday from nine to five, and Saturday from ten to two.
Our shop is at 14 Mill Lane, next to the library.
A bouquet of roses costs 35 dollars.
Do you deliver? Yes, within the city, for 7 dollars.
Can I speak to Rosa? She is in the shop every morning.
"""
HOURS = "We are open Monday to Friday from nine to five, and Saturday from ten to two."
DELIVERY = "Yes, within the city, for 7 dollars."
DELIVERY_ASKED = "Do you mean: Do you deliver?"
UNCLEAR = "Do you have something for funerals?"
"""Near enough to delivery to ask back, too far to answer."""


@pytest.fixture
def shop() -> Dialogue:
    return Dialogue(Knowledge(SHOP, embedder().embed))


def talk(dialogue: Dialogue, *turns: str) -> list[str]:
    return [dialogue.heard(turn) for turn in turns]


def test_asking_back_and_yes_gives_the_answer(shop: Dialogue) -> None:
    assert talk(shop, UNCLEAR, "Yes, please.") == [DELIVERY_ASKED, DELIVERY]


def test_asking_back_and_no_asks_for_other_words_and_does_not_ask_the_same_again(shop: Dialogue) -> None:
    asked, sorry, again = talk(shop, UNCLEAR, "No.", UNCLEAR)
    assert (asked, sorry) == (DELIVERY_ASKED, wording.IN_OTHER_WORDS)
    assert again != DELIVERY_ASKED


def test_a_no_with_a_question_answers_the_question(shop: Dialogue) -> None:
    assert talk(shop, UNCLEAR, "No, when are you open?")[1] == HOURS


def test_another_question_after_asking_back_is_simply_answered(shop: Dialogue) -> None:
    assert talk(shop, UNCLEAR, "How much are roses?")[1] == "A bouquet of roses costs 35 dollars."


def test_half_of_a_double_question_is_answered_and_the_rest_offered_a_message(shop: Dialogue) -> None:
    answered, asked, read = talk(shop, "When are you open and do you fix bicycles?", "Yes.", "I am on 555 0101 234.")
    assert answered.startswith(f"{HOURS} ")
    assert "do you fix bicycles" in answered
    assert asked == wording.NUMBER
    assert read == "I have: do you fix bicycles, I am on 555 0101 234. Is that right?"


def test_a_follow_up_leans_on_the_question_before(shop: Dialogue) -> None:
    assert talk(shop, "When are you open?", "And on Saturday?") == [HOURS, HOURS]


def test_repeat_says_the_last_answer_or_the_greeting(shop: Dialogue) -> None:
    shop.spoke("Rosa's Flowers, good morning.")
    said = talk(shop, "Sorry?", "When are you open?", "Could you repeat that?", "Once more, please.")
    assert said == ["Rosa's Flowers, good morning.", HOURS, HOURS, HOURS]


def test_after_an_interruption_repeat_says_the_whole_answer(shop: Dialogue) -> None:
    talk(shop, "When are you open?")
    shop.spoke("We are open Monday")
    assert talk(shop, "What did you say?") == [HOURS]


def test_a_message_is_taken_number_and_all_and_read_back(shop: Dialogue) -> None:
    said = talk(
        shop,
        "Can I leave a message?",
        "This is Ann, I need fifty roses.",
        "five five five, one two three four",
        "Yes, that's right.",
        "No, thanks.",
    )
    assert said == [
        wording.TAKE,
        wording.NUMBER,
        "I have: This is Ann, I need fifty roses, five five five, one two three four. Is that right?",
        wording.NOTED,
        wording.GOODBYE,
    ]


def test_a_message_heard_wrong_is_taken_again(shop: Dialogue) -> None:
    said = talk(shop, "Please call me back", "Ann, 555 0101 234", "No.", "Anna, 555 0101 235", "Correct.")
    assert said[2:4] == [wording.ONCE_MORE, "I have: Anna, 555 0101 235. Is that right?"]
    assert said[4] == wording.NOTED


def test_a_message_can_be_dropped_and_interrupted_by_a_question(shop: Dialogue) -> None:
    assert talk(shop, "I want to leave a message", "When are you open?", "Never mind.") == [
        wording.TAKE,
        f"{HOURS} {wording.AND_MESSAGE}",
        wording.DROPPED,
    ]


def test_a_person_cannot_be_given_but_a_message_can(shop: Dialogue) -> None:
    assert talk(shop, "I want to talk to a human.", "Yes.") == [wording.PERSON, wording.TAKE]


def test_what_the_owner_says_about_it_goes_before_the_intent(shop: Dialogue) -> None:
    assert talk(shop, "Can I speak to Rosa?") == ["She is in the shop every morning."]


def test_no_unsure_sentence_is_said_three_times(shop: Dialogue) -> None:
    questions = [
        f"Do you sell {thing}?" for thing in ("pianos", "zebras", "tractors", "helmets", "satellites", "guitars")
    ]
    said = Counter(talk(shop, *(turn for question in questions for turn in (question, "No."))))
    assert wording.unsure(0, "", []) in said
    assert all(times < 3 for sentence, times in said.items() if sentence != wording.WHAT_ELSE)


def test_at_last_the_question_itself_becomes_the_message(shop: Dialogue) -> None:
    *_, offered, asked, read = talk(
        shop, "Pianos?", "Zebras?", "Tractors?", "Do you sell helmets?", "Yes.", "My number is 555 0101 234."
    )
    assert "helmets" in offered
    assert asked == wording.NUMBER
    assert read == "I have: Do you sell helmets, My number is 555 0101 234. Is that right?"


def test_noise_is_asked_for_again_and_forgets_nothing(shop: Dialogue) -> None:
    assert talk(shop, UNCLEAR, "Um…", "Yes.") == [DELIVERY_ASKED, wording.unclear(0), DELIVERY]


def test_a_prompt_without_facts_still_takes_messages() -> None:
    empty = Dialogue(Knowledge("You are Max. Be nice.", embedder().embed))
    assert talk(empty, "When are you open?", "Yes.") == [wording.unsure(0, "", []), wording.TAKE]


def test_it_says_that_it_is_a_machine_and_what_it_knows(shop: Dialogue) -> None:
    (said,) = talk(shop, "Are you a robot?")
    assert said.startswith("I'm an automated assistant. You can ask me about our opening hours, our address")
