"""What of a prompt is for callers' ears, in the shapes that owners write."""

import pytest

from oneinbox.adapters.speech.builtin.facts import facts, sentences


def told(prompt: str) -> list[str]:
    """Everything that might be said, without the blocks."""
    return [fact.answer for fact in facts(prompt) if not fact.block]


@pytest.mark.parametrize(
    "order",
    [
        "You are a friendly receptionist.",
        "You're Max, the assistant of a garage.",
        "You should sound relaxed.",
        "Your job is to help callers.",
        "Always be polite.",
        "Never promise a discount.",
        "Be brief and warm.",
        "Do not discuss competitors.",
        "Don't give medical advice.",
        "Keep your answers short.",
        "Speak slowly.",
        "Use short sentences.",
        "If the caller is angry, stay calm.",
        "If somebody wants to order a cake, take their name and number.",
        "When a customer asks for a discount, politely decline.",
        "When you don't know something, apologise.",
        "Only answer questions about our shop.",
        "The caller may be in a hurry.",
        "Tone: upbeat",
        "ROLE: phone assistant",
        "Act as a helpful assistant.",
    ],
)
def test_orders_are_not_for_callers(order: str) -> None:
    assert told(f"{order}\nWe sell tea.") == ["We sell tea."]


@pytest.mark.parametrize(
    "fact",
    [
        "Please arrive ten minutes early.",
        "Bring your passport.",
        "If you are late, call us.",
        "If the weather is bad, the terrace is closed.",
        "You can pay cash.",
        "You'll find us at 77 Willow Street.",
        "Callers can park behind the house.",
        "Ask for our lunch menu.",
        "Dr. Lee works from 9 a.m. to 1 p.m. on Mondays.",
    ],
)
def test_facts_that_look_like_orders_are_kept(fact: str) -> None:
    assert told(f"You are Ann. {fact} Be nice.") == [fact]


def test_the_role_block_ends_with_its_paragraph() -> None:
    assert told("# Role\nSells flowers on the phone.\n\nWe open at nine.") == ["We open at nine."]


def test_a_section_of_rules_is_silent_and_the_next_is_not() -> None:
    prompt = "## Rules\n- No small talk\n- One question at a time\n\n- No jokes\n\n## Prices\n- Tea: 2 dollars"
    assert told(prompt) == ["Tea: 2 dollars."]


def test_pairs_in_the_ways_owners_write_them() -> None:
    prompt = """
Q: Do you deliver?
A: Yes, in the city.
Question: Are you insured?
Answer: We are,
by Acme.
If the caller is angry, stay calm.
Q: Any parking? A: Behind the house.
- Do you ship abroad? Only to Canada.
Can I return tiles?
Within a month.
"""
    assert [(fact.question, fact.answer) for fact in facts(prompt)] == [
        ("Do you deliver?", "Yes, in the city."),
        ("Are you insured?", "We are, by Acme."),
        ("Any parking?", "Behind the house."),
        ("Do you ship abroad?", "Only to Canada."),
        ("Can I return tiles?", "Within a month."),
    ]


def test_a_quoted_answer_is_found_by_what_the_order_says_callers_ask() -> None:
    (fact,) = facts('If someone asks about a refund, tell them: "Refunds take five days."')
    assert (fact.answer, fact.cues) == ("Refunds take five days.", ("about a refund",))


def test_lines_under_a_heading_are_facts_each_and_together() -> None:
    found = facts("**Hours**\n* Monday: 9 to 5\n* Tuesday: 10 to 4\n")
    assert [fact.answer for fact in found] == [
        "Monday: 9 to 5.",
        "Tuesday: 10 to 4.",
        "Monday: 9 to 5. Tuesday: 10 to 4.",
    ]
    assert {fact.heading for fact in found} == {"Hours"}


def test_a_bold_label_opens_a_section_of_its_own() -> None:
    prompt = "**Tone**\nWarm and calm.\n**Hours:** Nine to five.\n**Age:** You must be sixteen."
    assert [(fact.heading, fact.answer) for fact in facts(prompt)] == [
        ("Hours", "Nine to five."),
        ("Age", "You must be sixteen."),
    ]


def test_a_sentence_that_leans_on_the_one_before_is_said_with_it() -> None:
    assert told("Our shop is in Main Street. It is next to the bank.") == [
        "Our shop is in Main Street.",
        "Our shop is in Main Street. It is next to the bank.",
    ]


def test_tables_links_and_markup_are_read_as_text() -> None:
    prompt = "| Item | Price |\n|---|---|\n| Tile | 3 dollars |\n\nSee [our shop](https://x.example), it is **big**."
    assert told(prompt) == ["Tile, 3 dollars.", "See our shop, it is big."]


def test_abbreviations_do_not_end_sentences() -> None:
    text = "Dr. Lee is in. Open 9 a.m. to 1 p.m. on Mon. only! Is it far? No."
    assert sentences(text) == ["Dr. Lee is in.", "Open 9 a.m. to 1 p.m. on Mon. only!", "Is it far?", "No."]


def test_an_empty_prompt_has_no_facts() -> None:
    assert facts("") == facts("\n---\n***\n") == ()
