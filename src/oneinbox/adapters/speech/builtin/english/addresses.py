"""E-mail and web addresses, said piece by piece."""

import re

from oneinbox.adapters.speech.builtin.english.numbers import cardinal, digits, year
from oneinbox.adapters.speech.builtin.english.rules import Known, Rule, rule, spelled
from oneinbox.adapters.speech.builtin.english.vocabulary import DOMAINS

SIGNS = {
    ".": "dot",
    "_": "underscore",
    "-": "dash",
    "+": "plus",
    "/": "slash",
    "@": ", at",
    "~": "tilde",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
}
ENDINGS = "com|org|net|edu|gov|info|biz|io|ai|co|us|uk|de|ca|app|dev|shop|online|store"
PART = re.compile(r"[A-Za-z]+|[0-9]+|[._\-+/@~?=&#%]")


def address_rules(known: Known) -> tuple[Rule, ...]:
    """Rules for mail addresses, links and bare host names; `known` tells words from letters."""

    def said(match: re.Match[str]) -> str:
        return address(match[0], known)

    return (
        rule(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", said),
        rule(r"\b(?:https?://|www\.)[^\s,]+", said, any_case=True),
        rule(rf"(?<![\w.-])(?:[a-z0-9-]{{1,63}}\.){{1,8}}(?:{ENDINGS})\b(?:/[^\s,]*)?", said, any_case=True),
    )


def address(text: str, known: Known) -> str:
    """`text` in words; the scheme and a last slash are dropped, the sentence's own punctuation kept."""
    body = text.rstrip(".,;:!?)")
    tail = text[len(body) :]
    body = re.sub(r"^https?://", "", body, flags=re.IGNORECASE).rstrip("/")
    parts: list[str] = PART.findall(body)
    words = (_part(part, parts[at - 1] if at else "", known) for at, part in enumerate(parts))
    return f" {' '.join(words)}".replace(" ,", ",") + tail


def _part(part: str, before: str, known: Known) -> str:
    if part in SIGNS:
        return SIGNS[part]
    if part.isdigit():
        return _number(part)
    word = part.lower()
    if before == "." and word in DOMAINS:
        return word
    short = len(word) == 1 or (len(word) <= 3 and not known(word))
    return spelled(word) if short or not re.search("[aeiouy]", word) else word


def _number(part: str) -> str:
    if len(part) == 4 and part[:2] in ("19", "20"):
        return year(part)
    return cardinal(int(part)) if len(part) <= 2 and part[0] != "0" else digits(part)
