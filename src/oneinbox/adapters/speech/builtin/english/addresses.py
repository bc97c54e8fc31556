"""E-mail and web addresses, said piece by piece."""

import re

from oneinbox.adapters.speech.builtin.english.numbers import cardinal, digits, year
from oneinbox.adapters.speech.builtin.english.rules import Known, Rule, one_of, rule, spelled
from oneinbox.adapters.speech.builtin.english.vocabulary import DOMAINS, SPELLED_DOMAINS, table

SIGNS = table("-:dash _:underscore .:dot @:,_at /:slash &:and =:equals ?:question_mark #:hash %:percent ~:tilde +:plus")
"""A pause stands before "at", where a listener expects the name to end."""
LABEL = r"[\w-]{1,63}"
DOMAIN = rf"(?:{LABEL}\.){{1,8}}"
MAILBOX = rf"[\w.+-]{{1,64}}@{DOMAIN}{LABEL}"
REST = r"[^\s,]"
LINK = rf"(?:\bhttps?://|\bwww\.){REST}+"
BARE = rf"(?<![\w.-]){DOMAIN}(?:{one_of(DOMAINS | SPELLED_DOMAINS)})\b(?:/{REST}*)?"
PART = re.compile(rf"[A-Za-z]+|\d+|[{re.escape(''.join(SIGNS))}]", re.ASCII)


def address_rules(known: Known) -> tuple[Rule, ...]:
    """Rules for mail addresses, links and bare host names; `known` tells words from letters."""
    return tuple(
        rule(pattern, lambda match: address(match[0], known), any_case=True) for pattern in (MAILBOX, LINK, BARE)
    )


def address(text: str, known: Known) -> str:
    """`text` in words; the scheme and a last slash are dropped, the sentence's own punctuation kept."""
    body = text.rstrip(".,;:!?)")
    tail = text[len(body) :]
    _, scheme, rest = body.partition("://")
    parts: list[str] = PART.findall((rest if scheme else body).rstrip("/"))
    said = [_part(part, known, is_domain=before == ".") for before, part in zip(["", *parts], parts, strict=False)]
    return f" {' '.join(said)}".replace(" ,", ",") + tail


def _part(part: str, known: Known, *, is_domain: bool) -> str:
    word = part.lower()
    if part in SIGNS or (is_domain and word in DOMAINS):
        return SIGNS.get(part, word)
    if part.isdigit():
        return _number(part)
    sayable = re.search("[aeiouy]", word) and (len(word) > 3 or (len(word) > 1 and known(word)))
    return word if sayable else spelled(word)


def _number(part: str) -> str:
    if re.fullmatch(r"(?:19|20)\d\d", part):
        return year(part)
    return cardinal(int(part)) if re.fullmatch(r"[1-9]\d?|0", part) else digits(part)
