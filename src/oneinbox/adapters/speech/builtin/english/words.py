"""One word to IPA: by hand, by lexicon, by ending, by prefix, as a compound, at last by its letters."""

import re
import unicodedata
from functools import lru_cache

from oneinbox.adapters.speech.builtin.english.letters import LetterToSound
from oneinbox.adapters.speech.builtin.english.lexicon import DATA, read_lexicon
from oneinbox.adapters.speech.builtin.english.phones import VOWEL_SIGNS, to_ipa
from oneinbox.adapters.speech.builtin.english.pronunciations import LETTERS, OWN, PREFIXES, WEAK
from oneinbox.adapters.speech.builtin.english.vocabulary import table

SOUND_OF = table(
    "ing:ɪŋ er:ɚ ers:ɚz ly:li ness:nəs less:ləs ful:fəl able:əbəl ment:mənt ship:ʃɪp 'll:əl 've:əv 'd:d n't:ənt "
    "'re:ɚ y:i"
)
ENDINGS = tuple(
    [
        "'s",
        "s'",
        "n't",
        "'ll",
        "'ve",
        "'d",
        "'re",
        "ers",
        "ing",
        "ness",
        "less",
        "able",
        "ment",
        "ship",
        "ful",
        "ed",
        "er",
        "ly",
        "s",
        "y",
    ]
)
LONGEST_WORD = 40


class Words:
    """The lexicon and the network behind it; loading takes about 0.3 s."""

    def __init__(self) -> None:
        self._lexicon = read_lexicon()
        self._letters = LetterToSound(DATA / "letters.npz")
        self.ipa = lru_cache(maxsize=20_000)(self._ipa)

    def known(self, word: str) -> bool:
        """Whether the lower-case word needs no guessing."""
        return word in WEAK or word in OWN or word in self._lexicon

    def _ipa(self, word: str) -> str:
        plain = unicodedata.normalize("NFKD", word.lower().strip("'"))
        plain = re.sub("[^a-z']", "", plain)[:LONGEST_WORD]
        if not re.search("[a-z]", plain):
            return ""
        return (
            WEAK.get(plain) or self._look(plain) or self._derived(plain) or self._compound(plain) or self._guess(plain)
        )

    def _look(self, word: str) -> str:
        if word in OWN:
            return OWN[word]
        phones = self._lexicon.get(word)
        return to_ipa(phones.split(), word) if phones else ""

    def _derived(self, word: str) -> str:
        for ending in ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= (1 if "'" in ending else 3):
                stem = next(filter(None, map(self._look, stems(word, ending))), "")
                if stem:
                    return attach(stem, ending)
        for prefix, sound in PREFIXES.items():
            if word.startswith(prefix) and len(word) - len(prefix) > 3 and (rest := self._look(word[len(prefix) :])):
                return sound + rest
        return ""

    def _compound(self, word: str) -> str:
        """Two known words of three letters or more, the most even cut."""
        cuts = sorted(range(3, len(word) - 2), key=lambda at: abs(len(word) - 2 * at)) if len(word) >= 7 else []
        for at in cuts:
            if (first := self._look(word[:at])) and (second := self._look(word[at:])):
                return f"{first} {second}"
        return ""

    def _guess(self, word: str) -> str:
        word = word.replace("'", "")
        if not re.search("[aeiouy]", word):
            return " ".join(LETTERS[char] for char in word)
        return to_ipa(self._letters(word), word) or " ".join(LETTERS[char] for char in word)


def stems(word: str, ending: str) -> list[str]:
    """What `word` may be without its ending: stopping stop, making make, tried try."""
    base = word[: -len(ending)]
    found = [base]
    if ending in ("ed", "ing", "er", "ers", "able", "y"):
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


def attach(stem: str, ending: str) -> str:
    """IPA of a stem with its ending."""
    last = stem[-1]
    if ending in ("'s", "s'", "s"):
        return stem + ("ᵻz" if last in "szʃʒ" else "s" if last in "ptkfθ" else "z")
    after_vowel = last == "t" and stem[-2:-1] in tuple(VOWEL_SIGNS + "ːɹ")
    if ending == "ed":
        if last in "td":
            return (stem[:-1] + "ɾ" if after_vowel else stem) + "ᵻd"
        return stem + ("t" if last in "pkfθsʃ" else "d")
    if ending in ("ing", "er", "ers", "able", "y"):
        stem = stem[:-1] + "ɾ" if after_vowel else stem + "ɹ" if stem.endswith(("ɚ", "ɜː")) else stem
    return stem + SOUND_OF[ending]
