"""Which registered numbers a dialled user part may mean: +E.164, E.164 without its "+", or a national form.

Country codes are those that ITU-T has assigned (E.164). Candidates are made, so that an index finds the number.
"""

import re

MAX_DIGITS = 15
MIN_NATIONAL_DIGITS = 6

_RANGES = (
    "1 7 20 27 30-34 36 39-41 43-49 51-58 60-66 81 82 84 86 90-95 98 211-213 216 218 220-258 260-269 290 291 297-299 "
    "350-359 370-383 385-387 389 420 421 423 500-509 590-599 670 672-683 685-692 850 852 853 855 856 880 886 960-968 "
    "970-977 992-996 998"
)
_SEPARATORS = re.compile(r"[-.() ]")
_PARAMETERS = re.compile(r";.*$")


def _codes() -> tuple[str, ...]:
    codes: list[str] = []
    for part in _RANGES.split():
        first, _, last = part.partition("-")
        codes += [str(code) for code in range(int(first), int(last or first) + 1)]
    return tuple(codes)


COUNTRY_CODES = _codes()


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
