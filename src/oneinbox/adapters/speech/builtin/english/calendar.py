"""Dates, weekdays, years and times of day."""

import re

from oneinbox.adapters.speech.builtin.english.numbers import cardinal, digits, ordinal, year
from oneinbox.adapters.speech.builtin.english.rules import Rule, one_of, rule, spelled, stop_of
from oneinbox.adapters.speech.builtin.english.vocabulary import DAY_OF, MONTH_OF, MONTHS, UNITS

YEAR = r"(?:19|20)\d\d"
IN_YEAR = rf"(?P<year>{YEAR})\b"
MONTH_NUMBER = r"(?P<month>1[0-2]|0?[1-9])"
DAY_NUMBER = r"(?P<day>3[01]|[12]\d|0?[1-9])"
MONTH_NAME = rf"\b(?P<month>{one_of(MONTH_OF)})\b\.?"
COUNTED = r"(?:st|nd|rd|th)?\b"
A_TIME = r":\d|\s?[ap]\.?m\b"
UNTIL_DAY = rf"(?:\s?-\s?(?P<last>\d\d?){COUNTED}(?!{A_TIME}))?"
DATES = (
    rf"\b{IN_YEAR}-{MONTH_NUMBER}-{DAY_NUMBER}\b",
    rf"\b{MONTH_NUMBER}/{DAY_NUMBER}/(?P<year>{YEAR}|\d\d)\b",
    rf"{MONTH_NAME}\s+(?P<day>\d\d?){COUNTED}(?!{A_TIME}){UNTIL_DAY}(?:,?\s+{IN_YEAR})?",
    rf"\b{DAY_NUMBER}\s+{MONTH_NAME},?\s+{IN_YEAR}",
    rf"{MONTH_NAME},?\s+{IN_YEAR}",
)
VERBS = frozenset(("may", "march"))
"""In small letters these are no months."""
YEAR_AFTER = one_of(["after", "before", "by", "from", "in", "of", "since", "till", "until", "year"])
DAY_AFTER = one_of(["after", "before", "by", "on", "since", "till", "until"])
NO_COUNT = rf"(?!\s*(?:{one_of(UNITS)})\b|[-.,]\d)"

DAYS = DAY_OF | {name.title(): name for name in DAY_OF.values()}
NAMES = DAYS | {short.title(): name for short, name in MONTH_OF.items()}
DAY, NAME = (rf"\b(?:{one_of(names)})\b" for names in (DAYS, NAMES))
SHORT_DAY = rf"\b(?P<day>{one_of(DAY_OF)})\b"
LINK = r"\s?[-&/]\s?"
LISTED = r",?\s(?:and|or|through|thru|till|to|until)\s|,\s(?:and\s|or\s)?"
CHAINS = (rf"{NAME}\.?(?:{LINK}{NAME}\.?)+", rf"{DAY}\.?(?:(?:{LINK}|{LISTED}){DAY}\.?)+")
SHORT = re.compile(rf"(?P<name>{NAME})\.?")

CLOCK = r"(?P<hour>\d\d?)(?::(?P<minute>[0-5]\d))?"
HALF = r"\s?(?P<half>[ap])\.?\s?m\b\.?"
NAMED_TIME = r"\b(?:noon|midnight)\b"
SOME_TIME = rf"(?:{NAMED_TIME}|\b\d\d?(?::\d\d)?(?:\s?[ap]\.?m\b\.?)?)"
LATER_TIME = rf"(?:\d\d?(?::\d\d|(?::\d\d)?\s?(?:[ap]\.?m|noon|midnight))\b|{NAMED_TIME})"


def _date(match: re.Match[str]) -> str:
    found = match.groupdict()
    if match["month"] in VERBS:
        return match[0]
    named = match["month"].lower()
    said = MONTH_OF[named] if named in MONTH_OF else MONTHS[int(named) - 1]
    if day := found.get("day"):
        said += f" {ordinal(int(day))}"
    if last := found.get("last"):
        said += f" to {ordinal(int(last))}"
    if in_year := found["year"]:
        said += (", " if day else " ") + year(in_year if len(in_year) == 4 else f"20{in_year}")
    return said


def _decade(match: re.Match[str]) -> str:
    """1980s nineteen eighties, '90s nineties, 2000s two thousands."""
    century = match["century"]
    tens = int(match["tens"] or match["alone"])
    if tens == 0:
        return f"{cardinal(2000)}s" if century == "20" else f"{cardinal(19)} hundreds"
    name = cardinal(tens * 10)
    plural = f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
    return f"{cardinal(int(century))} {plural}" if century else plural


def _names(match: re.Match[str]) -> str:
    """Mon-Fri, Sat & Sun, Mon., Wed. and Fri., Jan-Mar: as many as are written."""
    said = SHORT.sub(lambda found: NAMES[found["name"]], match[0])
    said = re.sub(r"\s?-\s?", " to ", said)
    return re.sub(r"\s?[&/]\s?", " and ", said) + stop_of(match)


def _near(match: re.Match[str]) -> str:
    """A day of this year, where a word shows that it is no fraction: by 12/1."""
    return f"{match['word']} {MONTHS[int(match['month']) - 1]} {ordinal(int(match['day']))}"


def _clock(match: re.Match[str]) -> str:
    half = match.groupdict().get("half")
    hour, minute = int(match["hour"]), match["minute"]
    said = [cardinal(hour)]
    if minute and minute != "00":
        said.append(f"oh {digits(minute[1])}" if minute[0] == "0" else cardinal(int(minute)))
    elif minute and not half:
        said.append("o'clock" if 1 <= hour <= 12 else "hundred")
    if half:
        said.append(spelled(f"{half}m") + stop_of(match))
    return " ".join(said)


DATE_RULES: tuple[Rule, ...] = (
    *(rule(pattern, _date, any_case=True) for pattern in DATES),
    rule(rf"\b(?P<word>{DAY_AFTER})\s{MONTH_NUMBER}/{DAY_NUMBER}\b(?![/\d])", _near, any_case=True),
    rule(rf"(?<=st|nd|rd|th)\s?-\s?(?=(?:{one_of(MONTHS)})\s)", " to "),
    rule(
        rf"\b(?P<word>{YEAR_AFTER})\s+(?P<year>1[89]\d\d|20\d\d)\b{NO_COUNT}",
        lambda m: f"{m['word']} {year(m['year'])}",
        any_case=True,
    ),
    rule(r"(?<![\w'])(?:(?P<century>19|20)(?P<tens>\d)|'?(?P<alone>[2-9]))0s\b", _decade),
    *(rule(pattern, _names) for pattern in CHAINS),
    rule(rf"{SHORT_DAY}(?:\.|(?=,?\s+\d))", lambda m: DAY_OF[m["day"]] + stop_of(m)),
)
TIME_RULES: tuple[Rule, ...] = (
    rule(r"\b24/7\b", " ".join((cardinal(24), cardinal(7)))),
    rule(
        rf"(?P<from>{SOME_TIME})\s?-\s?(?={LATER_TIME})",
        lambda m: f"{m['from'].removesuffix(':00')} to ",
        any_case=True,
    ),
    rule(rf"\b{CLOCK}{HALF}", _clock, any_case=True),
    rule(r"\b(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)\b", _clock),
)
