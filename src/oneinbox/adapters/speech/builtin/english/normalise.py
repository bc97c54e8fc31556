"""Written American English to words, marks and letters to spell, in time linear in the text's length."""

import re
import unicodedata
from collections.abc import Iterator

from oneinbox.adapters.speech.builtin.english.addresses import address_rules
from oneinbox.adapters.speech.builtin.english.calendar import DATE_RULES, TIME_RULES
from oneinbox.adapters.speech.builtin.english.grammar import ARTICLES, PREPOSITIONS, UNSTRESSED
from oneinbox.adapters.speech.builtin.english.places import PHONE_RULES, PLACE_RULES
from oneinbox.adapters.speech.builtin.english.quantities import LEFT_OVER_RULES, MONEY_RULES, QUANTITY_RULES
from oneinbox.adapters.speech.builtin.english.rules import (
    SPELL,
    WORD_SIGNS,
    Known,
    Rule,
    letter,
    one_of,
    rewrite,
    rule,
    spelled,
    stop_of,
)
from oneinbox.adapters.speech.builtin.english.vocabulary import (
    ACRONYM_WORDS,
    CLOSING,
    DOTTED,
    PLAIN,
    PLAIN_TITLES,
    SHOUTED,
    SPELLED_THOUGH_KNOWN,
    TITLES,
)

LONGEST_PIECE = 400
"""Some rules are quadratic in the length of what they are given, so it is bounded."""
TYPOGRAPHY = str.maketrans(
    {"‘": "'", "’": "'", "“": "", "”": "", '"': "", "*": "", "–": "-", "—": ", ", "‑": "-", "⁄": "/", "−": "-"}
)


VULGAR = re.compile("(?<=[0-9])(?=[¼½¾⅓⅔⅛⅜⅝⅞])")
KEYS = {"*": "star", "#": "pound"}
PRESSED = re.compile(r"\b(?P<before>press|dial|hit|the|or|and)\s(?P<key>[*#])(?![\w*])", re.IGNORECASE)
"""A telephone's key; elsewhere an asterisk is typography."""
LATIN = {"e": "for example,", "i": "that is,"}


def _dotted(match: re.Match[str]) -> str:
    """The stop stays where a sentence may well end with this word."""
    if match["word"] == "EST":
        return match[0]
    word = match["word"].lower()
    return DOTTED[word] + (stop_of(match) if word in CLOSING else "")


def _title(match: re.Match[str]) -> str:
    return f"{TITLES[match['title']]} "


def _saint(match: re.Match[str]) -> str:
    return f"{match['before']}{TITLES['St']} "


EARLY_RULES: tuple[Rule, ...] = (
    rule(r"\b(?P<head>e|wi)-(?=mail|fi\b)", lambda m: m["head"], any_case=True),
    rule(r"\b(?P<first>e\.\s?g|i\.\s?e)\.,?", lambda m: LATIN[m["first"][0]]),
    rule(r"\bp\.?\s?o\.?\s+(?=box\b)", f"{spelled('po')} ", any_case=True),
    rule(r"\bPh\.?\s?D\b\.?", lambda m: spelled("phd") + stop_of(m)),
)
ABBREVIATION_RULES: tuple[Rule, ...] = (
    rule(rf"\b(?P<title>{one_of(TITLES)})\.\s?(?=[A-Z])", _title),
    rule(rf"\b(?P<title>{one_of(PLAIN_TITLES)})\s+(?=[A-Z])", _title),
    rule(rf"(?P<before>^|\b(?:{one_of(ARTICLES | PREPOSITIONS | {'to', 'and'})})\s)St (?=[A-Z])", _saint),
    rule(rf"\b(?P<title>{one_of(PLAIN_TITLES)})\b\.?", lambda m: TITLES[m["title"]] + stop_of(m)),
    rule(rf"\b(?P<word>{one_of(DOTTED)})\.(?!\w)", _dotted, any_case=True),
    rule(rf"\b(?P<word>{one_of(PLAIN)})\b(?!')", lambda m: PLAIN[m["word"].lower()], any_case=True),
    rule(r"\b(?P<one>[A-Z])\s?&\s?(?P<two>[A-Z])\b", lambda m: f"{letter(m['one'])} and {letter(m['two'])}"),
    rule(r"\b[A-Z]\.(?:[A-Z]\.)+|\b[a-z]\.[a-z]\.(?:[a-z]\.)+", lambda m: spelled(m[0]) + (stop_of(m) or " ")),
    rule(r"\b(?P<initial>[A-Z])\.(?=\s+[A-Z])", lambda m: letter(m["initial"])),
)
SIGN_WORDS = {"&": "and", "@": "at", "+": "plus", "=": "equals"}
SIGN_RULES: tuple[Rule, ...] = (
    rule(r"\bw/(?P<out>o\b)?", lambda m: "without " if m["out"] else "with "),
    rule(r"(?<=[a-z])/(?=[a-z])", " or "),
    rule(r"(?<=\w)\s+-\s+(?=\w)", ", "),
    rule(f"[{''.join(SIGN_WORDS)}]", lambda m: f" {SIGN_WORDS[m[0]]} "),
)
UNSAYABLE = re.compile(rf"[^{WORD_SIGNS}{SPELL}.,!?;:]+")
TIDY_RULES: tuple[Rule, ...] = (
    rule(r"[\[\](){}]", ", "),
    (UNSAYABLE, lambda _: " "),
    rule(r"\s+(?=[.,;:!?])", ""),
    rule(r"[,;:](?:\s*[,;:])+", ","),
    rule(r"[,;:]\s*(?=[.!?])", ""),
)


def clean(text: str) -> str:
    """`text` without control characters, in compatibility form, with ASCII digits and plain punctuation."""
    text = PRESSED.sub(lambda match: f"{match['before']} {KEYS[match['key']]}", text)
    text = text.translate(TYPOGRAPHY)
    if text.isascii():
        return re.sub(r"[\x00-\x1f\x7f]+", " ", text)
    folded = unicodedata.normalize("NFKC", VULGAR.sub(" ", text)).translate(TYPOGRAPHY)
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
    text = rewrite(text, EARLY_RULES + address_rules(known) + MONEY_RULES + PHONE_RULES + DATE_RULES + TIME_RULES)
    text = rewrite(text, PLACE_RULES + QUANTITY_RULES + ABBREVIATION_RULES)
    return rewrite(_capitals(text, known), SIGN_RULES + LEFT_OVER_RULES + TIDY_RULES).strip()


def _capitals(text: str, known: Known) -> str:
    """Two to five capitals by letter, unless they are a word or the whole text shouts; a single one always."""

    def said(match: re.Match[str]) -> str:
        word, ending = match["word"], "'s" if match["ending"] else ""
        return match[0] if _is_word(word, known) else spelled(word) + ending

    if len(text) <= 12 or text != text.upper():
        text = re.sub(r"\b(?P<word>[A-Z]{2,5})(?P<ending>'?s)?\b", said, text)
    return re.sub(r"\b[A-Z]\b(?!')", lambda match: match[0] if match[0] in "AI" else letter(match[0]), text)


def _is_word(capitals: str, known: Known) -> bool:
    if capitals in SPELLED_THOUGH_KNOWN:
        return False
    word = capitals.lower()
    return capitals in ACRONYM_WORDS | SHOUTED or word in UNSTRESSED or (len(word) >= 4 and known(word))
