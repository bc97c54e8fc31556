"""One word to IPA: by lexicon, by ending, by prefix, as a compound, at last by its letters."""

import re
import unicodedata
from functools import lru_cache

from oneinbox.adapters.speech.builtin.english.grammar import is_unstressed
from oneinbox.adapters.speech.builtin.english.letters import LetterToSound
from oneinbox.adapters.speech.builtin.english.lexicon import DATA, Lexicon, Phones
from oneinbox.adapters.speech.builtin.english.phones import to_ipa
from oneinbox.adapters.speech.builtin.english.pronunciations import (
    ENDINGS,
    PREFIXES,
    TWO_READINGS,
    VARYING,
    ended,
    is_noun_by_default,
    prefixed,
    readings,
    strong,
    usual,
    weak,
)

ALL_ENDINGS = sorted([*ENDINGS, "s", "'s", "s'", "ed"], key=len, reverse=True)
DROPS_E = frozenset(("ed", "er", "ers", "ing", "able", "y"))
LONGEST_WORD = 40


class Words:
    """The lexicon and the network behind it; loading takes about 0.3 s."""

    def __init__(self) -> None:
        self._lexicon = Lexicon()
        self._letters = LetterToSound(DATA / "letters.npz")
        self.ipa = lru_cache(maxsize=20_000)(self._ipa)

    def known(self, word: str) -> bool:
        """Whether the lower-case word needs no guessing."""
        return word in self._lexicon

    def letter(self, char: str, ending: str = "") -> str:
        """The name of a lower-case letter, or of several of it with "'s"."""
        name = strong(self._lexicon, char)
        return to_ipa(ended(name, ending) if ending else name)

    def before(self, word: str, *, vowel: bool) -> str:
        """ "the" or "to" before a vowel or a consonant."""
        return to_ipa(VARYING[word][0 if vowel else 1].split(), word)

    def stressed(self, word: str) -> str:
        """A function word before a pause."""
        return to_ipa(strong(self._lexicon, word), word)

    def reading(self, word: str, *, noun: bool | None) -> str:
        """One of `TWO_READINGS`; None when the words around don't tell which."""
        as_noun, as_verb = readings(self._lexicon, word)
        if noun is None:
            noun = is_noun_by_default(as_noun, as_verb)
        return to_ipa(as_noun if noun else as_verb, word)

    def _ipa(self, word: str) -> str:
        plain = unicodedata.normalize("NFKD", word.lower().strip("'"))
        plain = re.sub("[^a-z']", "", plain)[:LONGEST_WORD]
        if not re.search("[a-z]", plain):
            return ""
        if is_unstressed(plain) and plain in self._lexicon:
            return to_ipa(weak(self._lexicon, plain), plain)
        phones = self._whole(plain)
        return to_ipa(phones, plain) if phones else self._compound(plain) or self._guess(plain)

    def _whole(self, word: str) -> Phones:
        """The phones of a word that is in the lexicon, with or without an ending or a prefix."""
        return usual(self._lexicon, word) or self._without_ending(word) or self._without_prefix(word)

    def _without_ending(self, word: str) -> Phones:
        for ending in ALL_ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= (1 if "'" in ending else 3):
                for stem in stems(word, ending):
                    if phones := usual(self._lexicon, stem):
                        return ended(phones, ending)
        return []

    def _without_prefix(self, word: str) -> Phones:
        for cut in range(2, min(6, len(word) - 3)):
            if word[:cut] in PREFIXES:
                rest = usual(self._lexicon, word[cut:]) or self._without_ending(word[cut:])
                if rest:
                    return prefixed(self._lexicon, word[:cut], rest)
        return []

    def _compound(self, word: str) -> str:
        """Two known words of three letters or more, the most even cut."""
        cuts = sorted(range(3, len(word) - 2), key=lambda at: abs(len(word) - 2 * at)) if len(word) >= 7 else []
        for at in cuts:
            first, second = usual(self._lexicon, word[:at]), usual(self._lexicon, word[at:])
            if first and second:
                return f"{to_ipa(first, word[:at])} {to_ipa(second, word[at:])}"
        return ""

    def _guess(self, word: str) -> str:
        word = word.replace("'", "")
        guess = to_ipa(self._letters(word), word) if re.search("[aeiouy]", word) else ""
        return guess or " ".join(map(self.letter, word))


def has_two_readings(word: str) -> bool:
    """Whether the word before decides how this one is said."""
    return word in TWO_READINGS


def stems(word: str, ending: str) -> list[str]:
    """What `word` may be without its ending: stopping stop, making make, tried try."""
    base = word[: -len(ending)]
    found = [base]
    if ending in DROPS_E:
        found.append(base + "e")
        if base[-1:] == base[-2:-1]:
            found.append(base[:-1])
    if base.endswith("i"):
        found.append(base[:-1] + "y")
    if ending == "s" and base.endswith("ie"):
        found.append(base[:-2] + "y")
    if ending == "s" and base.endswith("e"):
        found.append(base[:-1])
    return found
