"""Money, units, degrees, ranges, fractions, ordinals and whatever digits are left."""

import re

from oneinbox.adapters.speech.builtin.english.grammar import ARTICLES, DEMONSTRATIVES, POSSESSIVES, is_unstressed
from oneinbox.adapters.speech.builtin.english.numbers import cardinal, decimal, digits, ordinal
from oneinbox.adapters.speech.builtin.english.rules import Rule, one_of, rule
from oneinbox.adapters.speech.builtin.english.vocabulary import PLURALS, UNITS, WITHOUT_PLURAL, table, words

MONEY_OF = {"$": ("dollar", "cent", "cents"), "£": ("pound", "penny", "pence"), "€": ("euro", "cent", "cents")}
SIGN = "(?P<sign>[$€£])"
EACH = table("day:day hour:hour hr:hour lb:pound mo:month month:month oz:ounce person:person week:week wk:week yr:year")
"""What a price or an amount is for, after a stroke."""
COUNT = r"(?P<whole>\d{1,3}(?:,\d{3})+|\d+)"
LARGE = table("k:thousand m:million b:billion") | {name: name for name in ("thousand", "million", "billion")}
SCALE = r"(?P<scale>[kmb]\b|\s(?:thousand|million|billion)\b)"
AMOUNT = r"\d[\d,]*(?:\.\d+)?"
DETERMINERS = ARTICLES | POSSESSIVES | DEMONSTRATIVES
NOT_COUNTED = words("off plus less more each every total today now due extra back down up")
"""After a price these are no noun that the price describes, as in "a $40 voucher"."""
HALVED = one_of(words("ft gal hr hrs lb lbs mi oz pt qt tbsp tsp"))
"""Units that are written after fractions."""
PARTS = table("2:half 3:third 4:quarter 5:fifth 8:eighth")
SCALES_OF_HEAT = table("F:fahrenheit C:celsius")
INCHES_FOLLOW = re.compile(r"\s*(?:[,;]|(?:by|x|deep|high|long|tall|thick|wide)\b)")


def _money(match: re.Match[str]) -> str:
    one, part, parts = MONEY_OF[match["sign"]]
    whole, fraction = match["whole"].replace(",", ""), match["fraction"] or ""
    if match["scale"]:
        number = decimal(f"{whole}.{fraction}" if fraction else whole)
        return f" {number} {LARGE[match['scale'].strip().lower()]} {one if _describes(match) else one + 's'}"
    amount, rest = int(whole), int(fraction.ljust(2, "0") or 0)
    said = [f"{cardinal(rest)} {part if rest == 1 else parts}"] if rest else []
    if amount or not rest:
        singular = amount == 1 or (not fraction and _describes(match))
        said.insert(0, f"{cardinal(amount)} {one if singular else one + 's'}")
    return " " + " and ".join(said)


def _describes(match: re.Match[str]) -> bool:
    """Whether the price stands before its noun, as in "your $40 voucher"."""
    before = match.string[: match.start()][-12:].lower().split()
    after = re.match(r"\s+([a-z]+)", match.string[match.end() :])
    if not before or before[-1] not in DETERMINERS or after is None:
        return False
    return not is_unstressed(after[1]) and after[1] not in NOT_COUNTED


def _unit(match: re.Match[str]) -> str:
    amount, short = match["amount"], " ".join(match["unit"].lower().split())
    after = match.string[match.end() :]
    if short == "in" and not match["stop"] and not INCHES_FOLLOW.match(after):
        return match[0]
    unit = UNITS[short] if amount == "1" else _plural(UNITS[short])
    return f"{decimal(amount)} {unit}" + ("." if match["stop"] and not after.strip() else "")


def _plural(unit: str) -> str:
    """square feet, miles per hour, hertz."""
    what, per, time = unit.partition(" per ")
    *kind, noun = what.split()
    many = noun if noun.endswith(WITHOUT_PLURAL) else PLURALS.get(noun, f"{noun}s")
    return " ".join([*kind, many]) + per + time


def _temperature(match: re.Match[str]) -> str:
    said = f"{decimal(match['degrees'])} degrees"
    below = "minus " if match["below"] else ""
    return f"{below}{said} {SCALES_OF_HEAT.get(match['scale'] or '', '')}".rstrip()


def _fraction(match: re.Match[str]) -> str:
    """1/2 one half, 3/4 three quarters, 2 1/2 lbs two and a half pounds; anything else as written."""
    whole, top = match["whole"], int(match["top"])
    if not 0 < top < int(match["bottom"]):
        return match[0]
    part = PARTS[match["bottom"]]
    counted = f"{cardinal(top)} {part}" if top == 1 else f"{cardinal(top)} {part}s"
    said = f"{cardinal(int(whole))} and {'a half' if counted == 'one half' else counted}" if whole else counted
    if match["unit"]:
        unit = UNITS[match["unit"].lower()]
        said += f" {_plural(unit) if whole else unit}"
    return said


def _number_left(match: re.Match[str]) -> str:
    """A decimal or grouped number is counted; a long one, or one that starts with 0, is a code."""
    number = match[0]
    if not number.isdigit():
        return f" {decimal(number)} "
    is_code = len(number) > 7 or (len(number) > 1 and number.startswith("0"))
    return f" {digits(number) if is_code else cardinal(int(number))} "


MONEY_RULES: tuple[Rule, ...] = (
    rule(
        rf"{SIGN}(?P<low>{AMOUNT})\s?-\s?(?P=sign)?(?={AMOUNT})",
        lambda m: f"{m['low']} to {m['sign']}",
    ),
    rule(rf"(?<![\w-])-\s?(?={SIGN})", "minus "),
    rule(rf"(?<=\w)/(?P<each>{one_of(EACH)})\b", lambda m: f" per {EACH[m['each']]}"),
    rule(rf"{SIGN}\s?{COUNT}(?:\.(?P<fraction>\d\d?))?(?!\d){SCALE}?", _money, any_case=True),
)
QUANTITY_RULES: tuple[Rule, ...] = (
    rule(r"(?<![\w.-])(?P<low>\d+(?:\.\d+)?)\s?-\s?(?=\d+(?!-?\d))", lambda m: f"{m['low']} to "),
    rule(r"\b\d+(?:\.\d+){2,}\b", lambda m: " dot ".join(cardinal(int(part)) for part in m[0].split("."))),
    rule(r"(?<=\d)\s?[x×]\s?(?=\d)", " by "),
    rule(r"(?<![\d'])(?P<feet>\d)'\s?(?P<inches>1[01]|\d)(?![\d'])", lambda m: f"{m['feet']} foot {m['inches']}"),
    rule(r"\b(?P<count>\d+)\s?¢", lambda m: f"{cardinal(int(m['count']))} cent{'' if m['count'] == '1' else 's'}"),
    rule(
        rf"(?<![\d/])(?:(?P<whole>\d+)\s)?\b(?P<top>\d)/(?P<bottom>[{''.join(PARTS)}])\b(?!/)(?:\s(?P<unit>{HALVED})\b\.?)?",
        _fraction,
    ),
    rule(
        rf"(?<![\w.])(?P<amount>{AMOUNT})\s?(?P<unit>{one_of(UNITS)})(?![\w/'])(?P<stop>\.(?!\w))?",
        _unit,
        any_case=True,
    ),
    rule(rf"(?P<below>-?)\b(?P<degrees>{AMOUNT})\s?°\s?(?P<scale>[CF]\b)?", _temperature),
    rule(rf"(?P<amount>{AMOUNT})\s?%", lambda m: f"{decimal(m['amount'])} percent"),
    rule(r"\b(?P<number>\d+)(?:st|nd|rd|th)\b", lambda m: ordinal(int(m["number"])), any_case=True),
)
LEFT_OVER_RULES: tuple[Rule, ...] = (
    rule(r"(?<![.\w])-(?=\d)", "minus "),
    rule(r"\d+(?:,\d{3}(?!\d))*(?:\.\d+)?", _number_left),
)
