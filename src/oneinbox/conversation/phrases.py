"""Phrases that end a call: compared by whole words, blind to case, punctuation, and where a recogniser puts spaces."""

import re
from collections.abc import Iterable
from itertools import accumulate


def words(text: str) -> list[str]:
    """The words of a text, lower case, without apostrophes: "That's all, thanks." → thats, all, thanks."""
    return re.findall(r"\w+", text.casefold().replace("'", "").replace("’", ""))


def contains_phrase(text: str, phrases: Iterable[str]) -> bool:
    """Whether the words of any phrase stand in the text, in order and side by side; good bye is goodbye."""
    said = words(text)
    return any(_within("".join(words(phrase)), said) for phrase in phrases)


def _within(phrase: str, said: list[str]) -> bool:
    tails = ("".join(said[start:]) for start in range(len(said)))
    ends = set(accumulate(len(word) for word in reversed(said))) | {0}
    return bool(phrase) and any(tail.startswith(phrase) and len(tail) - len(phrase) in ends for tail in tails)
