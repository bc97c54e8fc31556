"""What a rewriting rule is, and letters that must be spelled."""

import re
from collections.abc import Callable, Iterable

Known = Callable[[str], bool]
"""Whether a lower-case word has a sure pronunciation."""

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

SPELL = "\x01"
"""Stands before a lower-case letter that is said by its name."""


def rule(pattern: str, said: Callable[[re.Match[str]], str] | str, *, any_case: bool = False) -> Rule:
    """A pattern (ASCII classes) and what is said for its matches; a string is taken as it is."""
    compiled = re.compile(pattern, re.ASCII | (re.IGNORECASE if any_case else 0))
    return (compiled, said) if callable(said) else (compiled, lambda _: said)


def rewrite(text: str, rules: tuple[Rule, ...]) -> str:
    """`text` after every rule in order."""
    for pattern, said in rules:
        text = pattern.sub(said, text)
    return text


def one_of(words: Iterable[str]) -> str:
    """An alternation of the words, longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def letter(char: str) -> str:
    """One letter said by its name."""
    return SPELL + char.lower()


def spelled(text: str) -> str:
    """Letters by name, digits one by one, nothing else."""
    from_digit = dict(
        zip("0123456789", ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], strict=True)
    )
    said = (letter(c) if c.isalpha() else from_digit[c] for c in text if c.isascii() and c.isalnum())
    return " ".join(said)
