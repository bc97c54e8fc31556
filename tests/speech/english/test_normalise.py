"""How written English is said, sentence by sentence."""

import pytest

from oneinbox.adapters.speech.builtin.english.normalise import LONGEST_PIECE, normalise, pieces

WORDS = frozenset(["ann", "no", "is", "it", "at", "tax", "bee", "hive", "nest", "dot", "box", "visa", "nasa"])
CASES = [
    ("The lamp costs $19.05.", "The lamp costs nineteen dollars and five cents."),
    ("A $40 voucher", "A forty dollar voucher"),
    ("Only $1 left", "Only one dollar left"),
    ("They raised $2.5 million.", "They raised two point five million dollars."),
    ("£0.01 each", "one penny each"),
    ("It rose 12.5%", "It rose twelve point five percent"),
    ("Call 312-555-0188 now", "Call three one two, five five five, zero one eight eight now"),
    ("Ring +1 (800) 555-0111.", "Ring plus one, eight hundred, five five five, zero one one one."),
    ("Press 911", "Press nine one one"),
    ("Come on May 2nd, 2031.", "Come on may second, twenty thirty one."),
    ("You may 2 times", "You may two times"),
    ("Due 2027-01-31", "Due january thirty first, twenty twenty seven"),
    ("since 2003", "since two thousand three"),
    ("the 1970s", "the nineteen seventies"),
    ("Wed-Fri", "wednesday to friday"),
    ("I sat down", "I sat down"),
    ("At 7:05 pm.", "At seven oh five p m."),
    ("From 9-11 a.m. we rest", "From nine to eleven a m we rest"),
    ("At 3:00 sharp", "At three o'clock sharp"),
    ("Order 40021", "Order four zero zero two one"),
    ("Part QX-77B", "Part q x, seven seven b"),
    ("Live at 905 Elm Street", "Live at nine oh five Elm Street"),
    ("12 St. John Rd., Reno, NV 89501", "twelve saint John road, Reno, nevada, eight nine five zero one"),
    ("Dr. Who lives on Elm Dr.", "doctor Who lives on Elm drive."),
    ("Suite 1402", "suite fourteen oh two"),
    ("Mail ann.b@beehive.com", "Mail ann dot b, at beehive dot com"),
    ("See www.nest.io/x1", "See w w w dot nest dot i o slash x one"),
    ("Add 2 lbs. of salt", "Add two pounds of salt"),
    ("It is 1 km", "It is one kilometer"),
    ("-4°C", "minus four degrees celsius"),
    ("a 4x6 print", "a four by six print"),
    ("1 1/2 cups", "one and a half cups"),
    ("The 23rd", "The twenty third"),
    ("1,000,001 bees", "one million one bees"),
    ("Code 007", "Code zero zero seven"),
    ("The CEO of NASA", "The c e o of NASA"),
    ("PLEASE HOLD THE LINE", "PLEASE HOLD THE LINE"),
    ("e.g. tea & milk", "for example, tea and milk"),
    ("No.", "No."),
]


@pytest.mark.parametrize(("written", "said"), CASES)
def test_written_text_is_said_as_a_person_says_it(written: str, said: str) -> None:
    assert normalise(written, WORDS.__contains__).replace("\x01", "") == said


def test_pieces_bound_the_work_and_lose_no_word() -> None:
    text = "One short sentence. Another, with more in it? " * 400
    cut = list(pieces(text))
    assert max(map(len, cut)) <= LONGEST_PIECE
    assert " ".join(cut).split() == text.split()


def test_control_characters_never_reach_the_rules() -> None:
    assert " ".join(pieces("a\x01b\x00\u0085c")).split() == ["a", "b", "c"]
