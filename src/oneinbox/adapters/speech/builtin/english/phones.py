"""ARPAbet to the IPA that the voice was trained on: American English as espeak writes it."""

import re

from oneinbox.adapters.speech.builtin.english.vocabulary import table

CONSONANTS = table(
    "B:b CH:tʃ D:d DH:ð F:f G:ɡ HH:h JH:dʒ K:k L:l M:m N:n NG:ŋ P:p R:ɹ S:s SH:ʃ T:t TH:θ V:v W:w Y:j Z:z ZH:ʒ"
)
VOWELS = table("AA:ɑː AE:æ AH:ʌ AO:ɔː AW:aʊ AY:aɪ EH:ɛ ER:ɜː EY:eɪ IH:ɪ IY:iː OW:oʊ OY:ɔɪ UH:ʊ UW:uː")
STRESS = {"0": "", "1": "ˈ", "2": "ˌ"}
VOWEL_SIGNS = "aeiouɑɔəɛɪʊʌæɜɐᵻɚ"
LIGHT_ENDINGS = re.compile(r"(?:it|ice|et|age|is|ish|ic|id|in|ist|ess)s?$")
REDUCED_PREFIX = re.compile(r"[rdb]e[^aeiou]")
LONG_O = re.compile(r"au|aw|al[lkt]|ou|oa|wa")
SIBILANTS = frozenset(("S", "Z", "SH", "ZH", "CH", "JH"))


def is_vowel(phone: str) -> bool:
    """Whether an ARPAbet phone carries a stress digit."""
    return phone[-1:].isdigit()


def to_ipa(phones: list[str], word: str = "") -> str:
    """IPA of one word; `word` is its lower-case spelling, which some vowels depend on."""
    said = "".join(_phone(phones, at, word) for at in range(len(phones)))
    return _lighten(re.sub(r"tən(?=z?$)", "ʔn\u0329", said) if "ˈ" in said[:-3] else said)


def _phone(phones: list[str], at: int, word: str) -> str:
    phone = phones[at]
    if not is_vowel(phone):
        return "ɾ" if phone == "T" and _flaps(phones, at) else CONSONANTS[phone]
    following = phones[at + 1] if at + 1 < len(phones) else ""
    name, stress = phone[:-1], phone[-1]
    if stress == "0" or (name == "IY" and stress == "2"):
        sound = _unstressed(phones, at, word, following)
        if sound:
            return sound
    return STRESS[stress] + _full(name, following, word)


def _full(name: str, following: str, word: str) -> str:
    if following == "R" and name in ("IY", "UW"):
        return "ɪ" if name == "IY" else "ʊ"
    if name == "ER":
        return "ɜːɹ" if is_vowel(following) else "ɜː"
    if name == "AO" and following != "R" and not LONG_O.search(word):
        return "ɔ" if following in ("F", "S", "TH") and not word.startswith("offic") else "ɑː"
    return VOWELS[name]


def _unstressed(phones: list[str], at: int, word: str, following: str) -> str:
    """The reduced vowel here, or nothing when the full one is said."""
    name = phones[at][:-1]
    if _is_ending(phones, at, word):
        return "ᵻ"
    if at in (1, 2) and name in ("IH", "IY", "AH") and REDUCED_PREFIX.match(word):
        return "ᵻ"
    if name == "ER":
        return "ɚɹ" if is_vowel(following) else "ɚ"
    if name == "AH":
        if at == 0:
            return "ʌ" if word.startswith("un") and following == "N" else "ɐ"
        last = at == max(index for index, phone in enumerate(phones) if is_vowel(phone))
        return "ɪ" if last and LIGHT_ENDINGS.search(word) else "ə"
    if name == "IY" and following != "R":
        if word.endswith(("day", "days")) and at >= len(phones) - 2:
            return "eɪ"
        return "i"
    return ""


def _is_ending(phones: list[str], at: int, word: str) -> bool:
    """Whether this is the vowel of -es after a sibilant or of -ed after t or d."""
    if at != len(phones) - 2 or at == 0 or phones[at][:-1] not in ("IH", "AH"):
        return False
    before, after = phones[at - 1], phones[at + 1]
    plural = after == "Z" and before in SIBILANTS and word.endswith("s")
    return plural or (after == "D" and before in ("T", "D") and word.endswith("ed"))


def _flaps(phones: list[str], at: int) -> bool:
    """A t between a vowel or r and an unstressed vowel, but not in -ten."""
    if not 0 < at < len(phones) - 1:
        return False
    before, after = phones[at - 1], phones[at + 1]
    nasal = after in ("AH0", "IH0") and phones[at + 2 : at + 3] == ["N"]
    return (is_vowel(before) or before == "R") and after[-1] == "0" and not nasal


def _lighten(ipa: str) -> str:
    """Drops a secondary stress in the syllable right after the main one."""
    between = rf"(ˈ[{VOWEL_SIGNS}ː]+[^{VOWEL_SIGNS}ˈˌ]*)ˌ"
    return re.sub(between, r"\1", ipa)
