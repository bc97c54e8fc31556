"""ARPAbet to the signs that the voice was trained on: IPA for American English, with stress before the vowel.

The signs are those of the voice's phoneme_id_map. Which of them stands for a phone in a given place follows the
phonology of General American: tapping (Kahn 1976), the weak vowel that the OED writes ᵻ, and for AO the lexical sets
of Wells (Accents of English, 1982).
"""

import re

STOPS = {"P": "p", "B": "b", "T": "t", "D": "d", "K": "k", "G": "ɡ"}
AFFRICATES = {"CH": "tʃ", "JH": "dʒ"}
FRICATIVES = {"F": "f", "V": "v", "TH": "θ", "DH": "ð", "S": "s", "Z": "z", "SH": "ʃ", "ZH": "ʒ", "HH": "h"}
SONORANTS = {"M": "m", "N": "n", "NG": "ŋ", "L": "l", "R": "ɹ", "W": "w", "Y": "j"}
CONSONANTS = STOPS | AFFRICATES | FRICATIVES | SONORANTS
LAX = {"IH": "ɪ", "EH": "ɛ", "AE": "æ", "AH": "ʌ", "UH": "ʊ"}
TENSE = {"IY": "iː", "UW": "uː", "AA": "ɑː", "AO": "ɔː", "ER": "ɜː"}
DIPHTHONGS = {"EY": "eɪ", "AY": "aɪ", "OY": "ɔɪ", "AW": "aʊ", "OW": "oʊ"}
VOWELS = LAX | TENSE | DIPHTHONGS
STRESS = {"0": "", "1": "ˈ", "2": "ˌ", "3": ""}
"""By the digit of an ARPAbet vowel; 3 is ours: no stress, but the full vowel."""
VOWEL_SIGNS = "aeiouɑɔəɛɪʊʌæɜɐᵻɚ"
WEAK_I = re.compile(r"(?:i[bcdfgknpqrstvxz]{1,2}e?|et|age)s?$")
"""A spelling whose last, weak vowel is nearer to ɪ than to ə: limit, office, market, message."""
THOUGHT = re.compile("a[uwl]|o[ua]|wa")
"""Spellings of AO that keep it apart from AA: cause, law, talk, bought, broad, water."""
VOICELESS_FRICATIVES = frozenset(("F", "S", "TH"))
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
        return "ɾ" if phone == "T" and _is_tapped(phones, at) else CONSONANTS[phone]
    following = phones[at + 1] if at + 1 < len(phones) else ""
    name, stress = phone[:-1], phone[-1]
    weak = stress == "0" or (name == "IY" and stress == "2")
    return (_weak(phones, at, word, following) if weak else "") or STRESS[stress] + _full(name, following, word)


def _full(name: str, following: str, word: str) -> str:
    if name == "ER":
        return "ɜːɹ" if is_vowel(following) else "ɜː"
    if following == "R":
        return {"IY": "ɪ", "UW": "ʊ"}.get(name, VOWELS[name])
    if name == "AO" and not THOUGHT.search(word):
        return "ɔ" if following in VOICELESS_FRICATIVES else "ɑː"
    return VOWELS[name]


def _weak(phones: list[str], at: int, word: str, following: str) -> str:
    """The weak vowel here, or nothing when the full one is said."""
    match phones[at][:-1]:
        case "IH" | "IY" | "AH" if _is_barred(phones, at, word):
            return "ᵻ"
        case "ER":
            return "ɚɹ" if is_vowel(following) else "ɚ"
        case "AH":
            return _schwa(phones, at, word)
        case "IY" if following != "R":
            of_day = word.endswith(("day", "days")) and at >= len(phones) - 2
            return "eɪ" if of_day else "i"
    return ""


def _schwa(phones: list[str], at: int, word: str) -> str:
    if at == 0:
        return "ʌ" if word.startswith("un") and phones[1:2] == ["N"] else "ɐ"
    is_last = not any(map(is_vowel, phones[at + 1 :]))
    return "ɪ" if is_last and WEAK_I.search(word) else "ə"


def _is_barred(phones: list[str], at: int, word: str) -> bool:
    """The vowel of be-, de- and re- before a consonant, of -es after a sibilant and of -ed after t or d."""
    if at == 1 and word.startswith(("be", "de", "re")):
        return not is_vowel("".join(phones[2:3]))
    if at == 0 or at != len(phones) - 2:
        return False
    if phones[at].startswith("IY"):
        return False
    before, after = phones[at - 1], phones[at + 1]
    plural = after == "Z" and before in SIBILANTS and word.endswith("s")
    return plural or (after == "D" and before in ("T", "D") and word.endswith("ed"))


def _is_tapped(phones: list[str], at: int) -> bool:
    """A t between a vowel or r and an unstressed vowel, but not in -ten."""
    if not 0 < at < len(phones) - 1:
        return False
    before, after = phones[at - 1], phones[at + 1]
    nasal = after in ("AH0", "IH0") and phones[at + 2 : at + 3] == ["N"]
    return (is_vowel(before) or before == "R") and after.endswith("0") and not nasal


def _lighten(ipa: str) -> str:
    """Drops a secondary stress in the syllable right after the main one."""
    between = rf"(ˈ[{VOWEL_SIGNS}ː]+[^{VOWEL_SIGNS}ˈˌ]*)ˌ"
    return re.sub(between, r"\1", ipa)
