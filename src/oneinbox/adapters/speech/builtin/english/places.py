"""Phone numbers, identifiers, streets, rooms and states."""

import re

from oneinbox.adapters.speech.builtin.english.numbers import cardinal, digits, grouped, paired
from oneinbox.adapters.speech.builtin.english.rules import Rule, letter, one_of, rule, spelled, stop_of
from oneinbox.adapters.speech.builtin.english.vocabulary import (
    COMPASS,
    CORNERS,
    NUMBERED,
    ROOMS,
    STATES,
    STREETS,
)

ALONE_BEFORE, ALONE_AFTER = r"(?<![\w-])", r"(?![\w-])"
EXCHANGE = r"\d{3}[-. ]\d{4}"
AMERICAN = rf"(?:\(\d{{3}}\)\s?|\d{{3}}[-. ]){EXCHANGE}"
EXTENSION = r"(?:,?\s?(?:x|[Ee]xt\.?)\s?(?P<extension>\d{1,6}))?"
PHONES = (
    rf"{ALONE_BEFORE}(?:\+?1[-. ]?)?{AMERICAN}{EXTENSION}{ALONE_AFTER}",
    rf"(?<![\w+])\+(?=(?:[-. ()]{{0,2}}\d){{8}})\d{{1,3}}(?:[-. ]?\(?\d{{2,12}}\)?){{1,4}}{ALONE_AFTER}",
    rf"(?<![\w.,-])1?\d{{10}}{ALONE_AFTER}",
    rf"{ALONE_BEFORE}{EXCHANGE}{EXTENSION}{ALONE_AFTER}",
)
LABELLED = rf"\b(?P<label>(?:{one_of(NUMBERED)})\b\.?(?:\s(?:number|no|code|id|is)\b){{0,2}}:?\s+)"
DIRECTION = rf"(?:{one_of([*COMPASS.values(), *CORNERS.values()])})"
ORDINAL = r"\d+(?:st|nd|rd|th)"
STREET_NAME = rf"(?:[JS]r\.|[A-Z][\w']*|{ORDINAL})"
LONG_STREETS = sorted({form for name in STREETS.values() for form in (name, name.title())})
HOUSE = rf"\b(?P<number>\d{{1,5}})(?P<way>\s+(?:{DIRECTION}\s+)?(?:St\.\s)?(?:{STREET_NAME}\s+){{1,3}})"
AMBIGUOUS = ("Dr", "St")
"""Before a name these are a title."""
PLAIN_STREETS = one_of(STREETS.keys() - set(AMBIGUOUS))
NOT_BEFORE_NAME = r"(?:\.(?!\s+[A-Z])|(?!\.|\s+[A-Z]))"


def _phone(match: re.Match[str]) -> str:
    """A number written in one piece is parted as Americans do: country, area, exchange, line."""
    extension = match.groupdict().get("extension")
    runs = re.findall(r"\d+", match[0])[: -1 if extension else None]
    if len(runs) == 1 and len(runs[0]) >= 10:
        runs = [runs[0][:-10], runs[0][-10:-7], runs[0][-7:-4], runs[0][-4:]]
    said = f" {'plus ' if '+' in match[0] else ''}{grouped(' '.join(runs))}"
    return f"{said}, extension {digits(extension)} " if extension else f"{said} "


def _identifier(match: re.Match[str]) -> str:
    """Capitals and digits together are spelled, with a pause for each hyphen."""
    text = match[0]
    if text.isdigit() or not re.search(r"\d", text) or not re.search("[A-Z]", text):
        return text
    if re.fullmatch(r"\d+(?:ST|ND|RD|TH)", text):
        return text
    return ", ".join(map(spelled, text.split("-")))


def _labelled(match: re.Match[str]) -> str:
    return match["label"] + ", ".join(map(digits, match["digits"].split("-")))


def _zip(match: re.Match[str]) -> str:
    place = STATES.get(match["state"]) or spelled(match["state"])
    return ", ".join([place, *(digits(part) for part in match["code"].split("-"))])


def _state(match: re.Match[str]) -> str:
    return f", {STATES[match['state']]}" if match["state"] in STATES else match[0]


def _house(match: re.Match[str]) -> str:
    kind = match["kind"]
    street = STREETS[kind] + stop_of(match) if kind in STREETS else kind
    return paired(match["number"]) + match["way"] + street


def _street(match: re.Match[str]) -> str:
    return f"{match['name']} {STREETS[match['kind']]}{stop_of(match)}"


PHONE_RULES: tuple[Rule, ...] = (
    *(rule(pattern, _phone) for pattern in PHONES),
    rule(
        r"\b(?P<verb>call|dial|press|text)\s+(?P<digits>\d{3})\b(?!-)",
        lambda m: f"{m['verb']} {digits(m['digits'])}",
        any_case=True,
    ),
)
PLACE_RULES: tuple[Rule, ...] = (
    rule(r"(?:#\s?(?=\w)|\b[Nn]os?\.\s?(?=\d))", "number "),
    rule(rf"{LABELLED}(?P<digits>\d{{3,}}(?:-\d+)*)\b", _labelled, any_case=True),
    rule(r"\bI-(?P<road>\d{1,3})\b", lambda m: f"{letter('i')} {cardinal(int(m['road']))}"),
    rule(
        rf"{ALONE_BEFORE}(?P<number>\d{{1,3}})(?P<mark>[A-HJ-Z]){ALONE_AFTER}",
        lambda m: f"{paired(m['number'])} {letter(m['mark'])}",
    ),
    rule(r"\b(?P<state>[A-Z]{2})\s+(?P<code>\d{5}(?:-\d{4})?)\b", _zip),
    rule(rf"{ALONE_BEFORE}[A-Z\d]+(?:-[A-Z\d]+)*{ALONE_AFTER}", _identifier),
    rule(r",\s*(?P<state>[A-Z]{2})(?=\s*(?:$|[.,;!?]))", _state),
    rule(rf"\b(?P<to>{one_of(CORNERS)})\b(?:\.(?=\s+[A-Z\d]))?", lambda m: CORNERS[m["to"]]),
    rule(r"\b(?P<to>[NESW])\.\s+(?=[A-Z\d])", lambda m: f"{COMPASS[m['to']]} "),
    rule(r"(?<=\d )(?P<to>[NESW])(?= [A-Z\d])", lambda m: COMPASS[m["to"]]),
    rule(rf"{HOUSE}(?P<kind>{one_of(LONG_STREETS)})\b", _house),
    rule(rf"{HOUSE}(?P<kind>{one_of(STREETS)})\b\.?", _house),
    rule(
        rf"\b(?P<kind>{one_of(ROOMS)})\.?\s+(?P<number>\d{{1,4}})\b",
        lambda m: f"{ROOMS[m['kind'].lower()]} {paired(m['number'])}",
        any_case=True,
    ),
    rule(rf"\b(?P<name>{ORDINAL})\s(?P<kind>{one_of(STREETS)})\b\.?", _street),
    rule(rf"\b(?P<name>{STREET_NAME})\s(?P<kind>{PLAIN_STREETS})\b\.?", _street),
    rule(rf"\b(?P<name>{STREET_NAME})\s(?P<kind>{one_of(AMBIGUOUS)})\b{NOT_BEFORE_NAME}", _street),
)
