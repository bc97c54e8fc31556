"""Which registered numbers a dialled user part may mean: +E.164, E.164 without its "+", or a national form.

Any country code of one to three digits may stand before a national form: what was registered isn't judged by numbering
plans. Candidates are made, so that an index finds the number.
"""

import re

MAX_DIGITS = 15
MIN_NATIONAL_DIGITS = 6

_SEPARATORS = re.compile(r"[-.() ]")
_PARAMETERS = re.compile(r";.*$")

COUNTRY_CODES = tuple(str(code) for code in range(1, 1000))


def candidates(dialled: str) -> frozenset[str]:
    """The +E.164 numbers that `dialled` may stand for; empty when it is no telephone number at all."""
    plain = _SEPARATORS.sub("", _PARAMETERS.sub("", dialled))
    digits = plain.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and 2 <= len(digits) <= MAX_DIGITS + 3):
        return frozenset()
    if plain.startswith("+"):
        return frozenset({plain})
    if digits.startswith("00"):
        return frozenset({"+" + digits[2:]})
    national = digits.removeprefix("0")
    spelled = {"+" + digits}
    if len(national) >= MIN_NATIONAL_DIGITS:
        spelled |= {f"+{code}{form}" for code in COUNTRY_CODES for form in {digits, national}}
    return frozenset(one for one in spelled if len(one) <= MAX_DIGITS + 1)


def near(dialled: str) -> frozenset[str]:
    """The +E.164 numbers that one slip turns into `dialled`: a digit more, less or another, or two swapped."""
    digits = digits_of(dialled)
    if not MIN_NATIONAL_DIGITS <= len(digits) <= MAX_DIGITS:
        return frozenset()
    cuts = [(digits[:place], digits[place:]) for place in range(len(digits) + 1)]
    slips = {a + b[1:] for a, b in cuts if b} | {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    for digit in "0123456789":
        slips |= {a + digit + b for a, b in cuts} | {a + digit + b[1:] for a, b in cuts if b}
    return frozenset(f"+{slip}" for slip in slips if len(slip) <= MAX_DIGITS)


def digits_of(dialled: str) -> str:
    """The digits of a number as it was dialled, without prefixes; empty when it is none."""
    plain = _SEPARATORS.sub("", _PARAMETERS.sub("", dialled)).removeprefix("+")
    return plain.lstrip("0") if plain.isascii() and plain.isdigit() else ""


def distance(one: str, other: str) -> int:
    """How many digits must be put in, taken out or changed to make one of the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for place, left in enumerate(one, 1):
        before, row[0] = row[0], place
        for column, right in enumerate(other, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (left != right))
    return row[-1]
