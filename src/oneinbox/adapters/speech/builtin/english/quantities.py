"""Money, units, degrees, ranges, fractions, ordinals and whatever digits are left."""

import re

from oneinbox.adapters.speech.builtin.english.numbers import cardinal, decimal, digits, ordinal
from oneinbox.adapters.speech.builtin.english.rules import Rule, one_of, rule
from oneinbox.adapters.speech.builtin.english.vocabulary import PLURALS, UNITS

CURRENCIES = {"$": ("dollar", "cent", "cents"), "€": ("euro", "cent", "cents"), "£": ("pound", "penny", "pence")}
SCALE = {"k": "thousand", "m": "million", "b": "billion"}
ARTICLE = re.compile(r"\b(?:a|an|the|your|this)\s+$", re.IGNORECASE)
NOT_A_NOUN = (
    "per|a|an|and|or|plus|off|for|if|in|to|is|each|every|from|at|on|by|of|with|more|less|today|now|total|due|was|will"
)
NOUN = re.compile(rf"\s+(?!(?:{NOT_A_NOUN})\b)[a-z]")
NAMED = {"1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters"}
DEGREES = {"F": " fahrenheit", "C": " celsius", None: ""}
INCHES_FOLLOW = re.compile(r"\s*(?:[,;]|x\b|by\b|wide|long|tall|deep|high)")


def _money(match: re.Match[str]) -> str:
    one, cent, cents = CURRENCIES[match[1]]
    whole, part, scale = match[2].replace(",", ""), match[3], match[4]
    if scale:
        word = scale.strip().lower()
        return f" {decimal(f'{whole}.{part}' if part else whole)} {SCALE.get(word, word)} {one}s"
    before, after = match.string[: match.start()], match.string[match.end() :]
    adjective = not part and ARTICLE.search(before[-8:]) and NOUN.match(after)
    said = []
    if int(whole) or not int(part or 0):
        said.append(f"{cardinal(int(whole))} {one}{'' if int(whole) == 1 or adjective else 's'}")
    if part and int(part):
        said.append(f"{cardinal(int(part))} {cent if int(part) == 1 else cents}")
    return f" {' and '.join(said)}"


def _unit(match: re.Match[str]) -> str:
    short = re.sub(r"\s+", " ", match[2].lower())
    after = match.string[match.end() :]
    if short == "in" and not match[3] and not INCHES_FOLLOW.match(after):
        return match[0]
    stop = "." if match[3] and not after.strip() else ""
    return f"{decimal(match[1])} {_plural(UNITS[short], match[1])}{stop}"


def _plural(unit: str, amount: str) -> str:
    if amount == "1":
        return unit
    counted, per, rest = unit.partition(" per ")
    head, _, noun = counted.rpartition(" ")
    return f"{head} {PLURALS.get(noun, noun + 's')}".strip() + per + rest


def _temperature(match: re.Match[str]) -> str:
    return f"{'minus ' if match[1] else ''}{cardinal(int(match[2]))} degrees{DEGREES[match[3]]}"


def _mixed(match: re.Match[str]) -> str:
    part = "a half" if match[2] == "1/2" else NAMED.get(match[2], match[2])
    return f"{cardinal(int(match[1]))} and {part}"


def _plain(match: re.Match[str]) -> str:
    number = match[0]
    one_by_one = len(number) >= 8 or (number[0] == "0" and len(number) > 1)
    return f" {digits(number) if one_by_one else cardinal(int(number))} "


MONEY_RULES: tuple[Rule, ...] = (
    rule(
        r"([$€£])\s?(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d\d?))?(?!\d)(k\b|[mb]\b|\s(?:thousand|million|billion)\b)?",
        _money,
        any_case=True,
    ),
)
QUANTITY_RULES: tuple[Rule, ...] = (
    rule(r"\b\d+(?:\.\d+){2,}\b", lambda m: " dot ".join(cardinal(int(part)) for part in m[0].split("."))),
    rule(rf"(?<![\w.])(\d[\d,]*(?:\.\d+)?)\s?({one_of(UNITS)})(?![\w/'])(\.(?!\w))?", _unit, any_case=True),
    rule(r"(-?)\b(\d+)\s?°\s?([FC])?\b", _temperature),
    rule(r"(\d[\d,]*(?:\.\d+)?)\s?%", lambda m: f"{decimal(m[1])} percent"),
    rule(r"\b(\d+)\s?[x×]\s?(\d+)\b", lambda m: f"{cardinal(int(m[1]))} by {cardinal(int(m[2]))}"),
    rule(r"\b(\d+)\s?-\s?(\d+)\b", lambda m: f"{decimal(m[1])} to {decimal(m[2])}"),
    rule(r"\b(\d+) ([123]/[234])\b", _mixed),
    rule(r"\b[123]/[234]\b", lambda m: NAMED.get(m[0], m[0])),
    rule(r"\b(\d+)(?:st|nd|rd|th)\b", lambda m: ordinal(int(m[1])), any_case=True),
)
LEFT_OVER_RULES: tuple[Rule, ...] = (
    rule(r"(?<![\w.])-(?=\d)", "minus "),
    rule(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+", lambda m: f" {decimal(m[0])} "),
    rule(r"\d+", _plain),
)
