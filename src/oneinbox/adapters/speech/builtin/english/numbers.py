"""Whole numbers, decimals, years and digit groups as American English words."""

ONES = tuple(
    [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ]
)
TENS = ("", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def cardinal(number: int) -> str:
    """The number as counted; from 10**15 on its digits one by one."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return " ".join(part for part in (TENS[number // 10], ONES[number % 10] if number % 10 else "") if part)
    if number >= 10**15:
        return digits(str(number))
    size, name = next(scale for scale in SCALES if number >= scale[0])
    head, rest = divmod(number, size)
    return f"{cardinal(head)} {name}" + (f" {cardinal(rest)}" if rest else "")


def ordinal(number: int) -> str:
    """first, twenty second, thirtieth."""
    head, _, last = cardinal(number).rpartition(" ")
    said = IRREGULAR.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return f"{head} {said}".strip()


def digits(text: str) -> str:
    """Each digit of `text` by itself; anything else is left out."""
    return " ".join(ONES[int(char)] for char in text if char.isdecimal())


def grouped(text: str) -> str:
    """Runs of digits one by one, with a pause between the runs; 800 is said as a number."""
    runs = "".join(char if char.isdecimal() else " " for char in text).split()
    return ", ".join("eight hundred" if run == "800" else digits(run) for run in runs)


def paired(text: str) -> str:
    """House and room numbers: 418 four eighteen, 1207 twelve oh seven, 1200 twelve hundred."""
    number = int(text)
    if text[0] == "0" or len(text) > 4:
        return digits(text)
    if number < 100 or number % 1000 == 0 or (number < 1000 and number % 100 == 0):
        return cardinal(number)
    head, tail = divmod(number, 100)
    if tail == 0:
        return f"{cardinal(head)} hundred"
    return f"{cardinal(head)} oh {ONES[tail]}" if tail < 10 else f"{cardinal(head)} {cardinal(tail)}"


def year(text: str) -> str:
    """2027 twenty twenty seven, 2005 two thousand five, 1999 nineteen ninety nine."""
    return cardinal(int(text)) if 2000 <= int(text) < 2010 else paired(text)


def decimal(text: str) -> str:
    """1,250.75 one thousand two hundred fifty point seven five."""
    whole, _, fraction = text.replace(",", "").partition(".")
    said = digits(whole) if len(whole) > 1 and whole[0] == "0" else cardinal(int(whole or 0))
    return f"{said} point {digits(fraction)}" if fraction else said
