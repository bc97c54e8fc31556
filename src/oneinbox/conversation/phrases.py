"""Phrases that end a call: compared word by word, blind to case, punctuation and apostrophes."""

import re
from collections.abc import Iterable


def words(text: str) -> list[str]:
    """The words of a text, lower case, without apostrophes: "That's all, thanks." → thats, all, thanks."""
    return re.findall(r"\w+", text.casefold().replace("'", "").replace("’", ""))


def contains_phrase(text: str, phrases: Iterable[str]) -> bool:
    """Whether the words of any phrase stand in the text, in order and side by side."""
    said = words(text)
    return any(_within(words(phrase), said) for phrase in phrases)


def _within(phrase: list[str], said: list[str]) -> bool:
    size = len(phrase)
    return size > 0 and any(said[start : start + size] == phrase for start in range(len(said) - size + 1))
