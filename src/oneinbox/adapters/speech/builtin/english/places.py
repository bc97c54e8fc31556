"""Phone numbers, identifiers, streets, rooms and states."""

import re

from oneinbox.adapters.speech.builtin.english.numbers import digits, grouped, paired
from oneinbox.adapters.speech.builtin.english.rules import Rule, letter, one_of, rule, spelled
from oneinbox.adapters.speech.builtin.english.vocabulary import COMPASS, STATES, STREETS

KEYWORD = (
    r"\b((?:number|order|invoice|code|ticket|case|reference|ref|confirmation|account|id|extension|ext\.?|box|zip|"
    r"policy|claim|tracking|booking|pin|flight)(?:\s+(?:number|is|code|id|no)){0,2}:?\s+)"
)
ROOM = r"\b(suite|ste|unit|room|rm|apartment|apt|floor|gate|highway|hwy|route|exit|bldg|building)\.?\s+(\d{1,4})\b"
STREET = one_of([*STREETS, *STREETS.values(), *map(str.title, STREETS.values())])
SHORT_STREET = one_of(STREETS)
AFTER_STREET = r"\s(?:and|in|on|at|near|or|to|is|by|next|north|south|east|west)\b"
ROOM_OF = {"ste": "suite", "rm": "room", "apt": "apartment", "hwy": "highway", "bldg": "building"}


def _phone(match: re.Match[str]) -> str:
    return f" {'plus ' if '+' in match[0] else ''}{grouped(match[0])} "


def _identifier(match: re.Match[str]) -> str:
    return ", ".join(spelled(part) for part in match[0].split("-"))


def _state(code: str) -> str:
    name = STATES[code]
    return spelled("DC") if code == "DC" else name


def _zip(match: re.Match[str]) -> str:
    place = _state(match[1]) if match[1] in STATES else spelled(match[1])
    return f"{place}, {digits(match[2])}" + (f", {digits(match[3])}" if match[3] else "")


def _room(match: re.Match[str]) -> str:
    kind = match[1].lower()
    return f"{ROOM_OF.get(kind, kind)} {paired(match[2])}"


PHONE_RULES: tuple[Rule, ...] = (
    rule(r"(?<![\w-])(?:\+?\d{1,2}[-. ])?\(?\d{3}\)?[-. ]\s?\d{3}[-. ]\d{4}(?![\w-])", _phone),
    rule(r"(?<![\w+])\+(\d{1,3})(\d{3})(\d{3})(\d{4})\b", lambda m: f" plus {grouped(' '.join(m.groups()))} "),
    rule(r"(?<![\w-])\d{3}[-.]\d{4}(?![\w-])", _phone),
    rule(r"(?<![\w.,-])(1?)(\d{3})(\d{3})(\d{4})(?![\w-])", lambda m: f" {grouped(' '.join(m.groups()))} "),
    rule(r"\b(dial|call|press)\s+(\d{3})\b(?!-)", lambda m: f"{m[1]} {digits(m[2])}", any_case=True),
)
PLACE_RULES: tuple[Rule, ...] = (
    rule(r"#\s?(?=\w)", "number "),
    rule(r"\b[Nn]os?\.\s?(?=\d)", "number "),
    rule(KEYWORD + r"(\d{3,}(?:-\d+)*)\b", lambda m: m[1] + ", ".join(map(digits, m[2].split("-"))), any_case=True),
    rule(r"(?<![\w-])(\d{1,3})([A-HJ-Z])\b(?!-)", lambda m: f"{paired(m[1])} {letter(m[2])}"),
    rule(r"\b([A-Z]{2})\s+(\d{5})(?:-(\d{4}))?\b", _zip),
    rule(
        r"(?<![\w-])(?=[\dA-Z-]*[A-Z])(?=[A-Z-]*\d)(?!\d+(?:ST|ND|RD|TH)\b)[A-Z0-9]{2,}(?:-[A-Z0-9]+)*(?![\w-])"
        r"|(?<![\w-])[A-Z]-\d+(?:-[A-Z0-9]+)*\b",
        _identifier,
    ),
    rule(r",\s*([A-Z]{2})(?=\s*(?:[.,;?!]|$))", lambda m: f", {_state(m[1])}" if m[1] in STATES else m[0]),
    rule(r"\b([NSEW])\.\s+(?=[A-Z0-9])", lambda m: f"{COMPASS[m[1]]} "),
    rule(r"\b(N[EW]|S[EW])\b\.?(?=\s+[A-Z0-9])", lambda m: COMPASS[m[1]]),
    rule(
        r"\b(\d{1,5})(?=\s+(?:(?:north|south|east|west)(?:east|west)?\s+)?(?:St\.\s)?"
        rf"(?:[A-Z][\w']*\s+|\d+(?:st|nd|rd|th)\s+){{1,3}}(?:{STREET})\b)",
        lambda m: paired(m[1]),
        any_case=False,
    ),
    rule(ROOM, _room, any_case=True),
    rule(rf"(?<=[a-z0-9]\s)({SHORT_STREET})\.?(?=\s*[,;?!]|{AFTER_STREET})", lambda m: STREETS[m[1]]),
    rule(rf"(?<=[a-z0-9]\s)({SHORT_STREET})\.\s*$", lambda m: f"{STREETS[m[1]]}."),
)
