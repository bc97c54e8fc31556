"""Written American English to words, marks and letters to spell, in time linear in the text's length."""

import re
import unicodedata
from collections.abc import Iterator

from oneinbox.adapters.speech.builtin.english.addresses import address_rules
from oneinbox.adapters.speech.builtin.english.calendar import DATE_RULES, TIME_RULES
from oneinbox.adapters.speech.builtin.english.places import PHONE_RULES, PLACE_RULES
from oneinbox.adapters.speech.builtin.english.quantities import LEFT_OVER_RULES, MONEY_RULES, QUANTITY_RULES
from oneinbox.adapters.speech.builtin.english.rules import SPELL, Known, Rule, letter, one_of, rewrite, rule, spelled
from oneinbox.adapters.speech.builtin.english.vocabulary import (
    DOTTED,
    PLAIN_TITLES,
    SAID_AS_WORDS,
    SPELLED_THOUGH_KNOWN,
    TITLES,
    UNDOTTED,
)

LONGEST_PIECE = 400
"""Some rules are quadratic in the length of what they are given, so it is bounded."""
TYPOGRAPHY = str.maketrans(
    {"‘": "'", "’": "'", "“": "", "”": "", '"': "", "*": "", "–": "-", "—": ", ", "‑": "-", "⁄": "/", "−": "-"}
)


def _dotted(match: re.Match[str]) -> str:
    """The stop stays only at the end of the text or before a capital."""
    ends = re.match(r"\s*$|\s+[A-Z]", match.string[match.end() :])
    return DOTTED[match[1].lower()] + ("." if ends and match[1].lower() in ("etc", "inc", "ltd", "co", "corp") else "")


LATIN_RULES: tuple[Rule, ...] = (
    rule(r"\be\.\s?g\.,?", "for example,"),
    rule(r"\bi\.\s?e\.,?", "that is,"),
    rule(r"\bP\.?\s?O\.?\s+Box\b", f"{spelled('po')} box", any_case=True),
    rule(r"\bPh\.?\s?D\b\.?", spelled("phd")),
    rule(r"\b([MD])\.([DO])\.(?=[\s,])", lambda m: spelled(m[1] + m[2])),
)
ABBREVIATION_RULES: tuple[Rule, ...] = (
    rule(rf"\b({one_of(TITLES)})\.\s?(?=[A-Z])", lambda m: f"{TITLES[m[1]]} "),
    rule(rf"\b({one_of(PLAIN_TITLES)})\.?(?=\s+[A-Z])", lambda m: TITLES[m[1]]),
    rule(rf"\b({one_of(DOTTED)})\.(?!\w)", _dotted, any_case=True),
    rule(rf"\b({one_of(UNDOTTED)})\b(?!')", lambda m: UNDOTTED[m[1].lower()], any_case=True),
    rule(r"\b(?:[A-Z]\.){2,}", lambda m: f"{spelled(m[0])} "),
    rule(r"\b([A-Z])\.(?=\s+[A-Z])", lambda m: letter(m[1])),
)
SIGN_RULES: tuple[Rule, ...] = (
    rule(r"(?<=\w)\s+-\s+(?=\w)", ", "),
    rule("&", " and "),
    rule("@", " at "),
    rule(r"\+", " plus "),
    rule("=", " equals "),
    rule(r"\bw/o\b", "without"),
    rule(r"\bw/(?=\s)", "with"),
    rule(r"(?<=[a-z])/(?=[a-z])", " or "),
)
TIDY_RULES: tuple[Rule, ...] = (
    rule(r"[()\[\]{}]", ", "),
    (re.compile(rf"[^A-Za-z\u00c0-\u024f'{SPELL}.,!?;:]+"), lambda _: " "),
    rule(r"\s+([,.!?;:])", lambda m: m[1]),
    rule(r"[,;:](?:\s*[,;:])+", ","),
    rule(r"[,;:]\s*([.!?])", lambda m: m[1]),
)


def clean(text: str) -> str:
    """`text` without control characters, in compatibility form, with ASCII digits and plain punctuation."""
    text = text.translate(TYPOGRAPHY)
    if text.isascii():
        return re.sub(r"[\x00-\x1f\x7f]+", " ", text)
    folded = unicodedata.normalize("NFKC", text).translate(TYPOGRAPHY)
    return "".join(_plain(char) for char in folded)


def _plain(char: str) -> str:
    if unicodedata.category(char) in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    return str(unicodedata.decimal(char)) if char.isdecimal() else char


def pieces(text: str) -> Iterator[str]:
    """The cleaned text in pieces of at most 400 characters, cut after a sentence, else a word, else anywhere."""
    text = clean(text)
    start = 0
    while start < len(text):
        end = start + LONGEST_PIECE
        if end < len(text):
            window = text[start:end]
            cut = max(window.rfind(mark) for mark in (". ", "? ", "! ")) + 1 or window.rfind(" ")
            end = start + cut if cut > 0 else end
        yield text[start:end].strip()
        start = end


def normalise(text: str, known: Known) -> str:
    """One cleaned piece as words, `.,!?;:` and letters to spell; `known` tells acronyms said as words."""
    text = rewrite(text, LATIN_RULES + address_rules(known) + MONEY_RULES + PHONE_RULES + DATE_RULES + TIME_RULES)
    text = rewrite(text, PLACE_RULES + QUANTITY_RULES + ABBREVIATION_RULES)
    return rewrite(_acronyms(text, known), SIGN_RULES + LEFT_OVER_RULES + TIDY_RULES).strip()


def _acronyms(text: str, known: Known) -> str:
    """Two to five capitals by letter, unless they are a word or the whole text shouts."""
    shouted = len(text) > 12 and text.upper() == text

    def said(match: re.Match[str]) -> str:
        word = match[1]
        as_word = len(word) >= 4 and known(word.lower()) and word not in SPELLED_THOUGH_KNOWN
        if word in SAID_AS_WORDS or as_word:
            return match[0]
        return spelled(word) + ("'s" if match[2] else "")

    if not shouted:
        text = re.sub(r"\b([A-Z]{2,5})('?s)?\b", said, text)
    return re.sub(r"\b([B-HJ-Z])\b(?!')", lambda match: letter(match[1]), text)
