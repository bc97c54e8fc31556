"""Dates, weekdays, years and times of day."""

import re

from oneinbox.adapters.speech.builtin.english.numbers import ONES, TENS, cardinal, ordinal, year
from oneinbox.adapters.speech.builtin.english.rules import Rule, one_of, rule, spelled
from oneinbox.adapters.speech.builtin.english.vocabulary import DAY_OF, MONTH_OF, MONTHS, UNITS

MONTH = rf"\b({one_of(MONTH_OF)})\b\.?"
DAY = one_of(DAY_OF)
HALF = r"\s?([ap])\.?\s?m\b\.?"
DECADES = ("", "tens", "twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties")


def _date(month: str, day: str, in_year: str | None) -> str:
    said = f"{month} {ordinal(int(day))}"
    return f"{said}, {year(in_year if len(in_year) == 4 else '20' + in_year)}" if in_year else said


def _month_day(match: re.Match[str]) -> str:
    """In small letters "may" and "march" are verbs."""
    if match[1] in ("may", "march"):
        return match[0]
    return _date(MONTH_OF[match[1].lower()], match[2], match[3])


def _slashed(match: re.Match[str]) -> str:
    return _date(MONTHS[int(match[1]) - 1], match[2], match[3])


def _iso(match: re.Match[str]) -> str:
    return _date(MONTHS[int(match[2]) - 1], match[3], match[1])


def _decade(match: re.Match[str]) -> str:
    tens = int(match[2])
    return f"{cardinal(int(match[1]))} {DECADES[tens] if tens else 'hundreds'}"


def _weekday(match: re.Match[str]) -> str:
    """The full stop of "Mon." stays only where a sentence ends."""
    ends = match[2] == "." and re.match(r"\s*$|\s+[A-Z]", match.string[match.end() :])
    return DAY_OF[match[1]] + ("." if ends else "")


def _clock(hour: str, minute: str | None, half: str | None) -> str:
    said = cardinal(int(hour))
    if minute == "00":
        said += "" if half else " o'clock" if 0 < int(hour) <= 12 else " hundred"
    elif minute:
        said += f" oh {ONES[int(minute)]}" if minute[0] == "0" else f" {cardinal(int(minute))}"
    return f"{said} {spelled(half + 'm')}" if half else said


def _half_day(match: re.Match[str]) -> str:
    ends = match[0].endswith(".") and re.match(r"\s*$|\s+[A-Z]", match.string[match.end() :])
    return _clock(match[1], match[2], match[3].lower()) + ("." if ends else "")


DATE_RULES: tuple[Rule, ...] = (
    rule(r"\b(0?[1-9]|1[0-2])/(0?[1-9]|[12]\d|3[01])/((?:19|20)\d\d|\d\d)\b", _slashed),
    rule(r"\b((?:19|20)\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\b", _iso),
    rule(
        MONTH + r"\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+((?:19|20)\d\d))?\b(?![:\d]|\s?[ap]\.?m\b)",
        _month_day,
        any_case=True,
    ),
    rule(MONTH + r",?\s+((?:19|20)\d\d)\b", lambda m: f"{MONTH_OF[m[1].lower()]} {year(m[2])}", any_case=True),
    rule(
        rf"\b(in|since|from|until|till|by|of|year|before|after)\s+(1[89]\d\d|20\d\d)\b(?![-,.]\d|\s*(?:{one_of(UNITS)})\b)",
        lambda m: f"{m[1]} {year(m[2])}",
        any_case=True,
    ),
    rule(r"\b(19|20)(\d)0s\b", _decade),
    rule(r"(?<![\w'])'?([2-9])0s\b", lambda m: DECADES[int(m[1])]),
    rule(rf"\b({DAY})(?:(\.)|(?=\s*[-&/]\s*(?:{DAY})\b)|(?=,?\s+\d))", _weekday),
    rule(rf"(?<=day)\s*-\s*({DAY})\b\.?", lambda m: f" to {DAY_OF[m[1]]}"),
    rule(r"(?<=day)\s?-\s?(?=[A-Za-z]{3,6}day\b)", " to "),
)
TIME_RULES: tuple[Rule, ...] = (
    rule(r"\b24/7\b", f"{TENS[2]} four seven"),
    rule(r"(?<=\d)\s?-\s?(?=\d{1,2}(?::\d\d)?\s?[ap]\.?m\b)", " to ", any_case=True),
    rule(r"(?<=[ap]m)\s?-\s?(?=\d{1,2}(?::\d\d)?\s?[ap]\.?m\b)", " to ", any_case=True),
    rule(r"\b(\d{1,2})(?::([0-5]\d))?" + HALF, _half_day, any_case=True),
    rule(r"\b([01]?\d|2[0-3]):([0-5]\d)\b", lambda m: _clock(m[1], m[2], None)),
)
