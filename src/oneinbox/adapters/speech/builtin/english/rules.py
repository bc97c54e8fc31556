"""What a rewriting rule is, and letters that must be spelled."""

import re
from collections.abc import Callable, Iterable

from oneinbox.adapters.speech.builtin.english.numbers import digits

Known = Callable[[str], bool]
"""Whether a lower-case word has a sure pronunciation."""

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

SPELL = "\x01"
"""Stands before a lower-case letter that is said by its name."""
WORD_SIGNS = "A-Za-zÀ-ɏ'"
"""What a word may be made of, as a character class: Latin letters to the end of Extended-B, and the apostrophe."""
SENTENCE_END = re.compile(r"\s*$|\s+[A-Z]")


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
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


def stop_of(match: re.Match[str]) -> str:
    """The full stop at the match's end, if it closes a sentence too: before a capital or the end of the text."""
    closes = match[0].endswith(".") and SENTENCE_END.match(match.string, match.end())
    return "." if closes else ""


def letter(char: str) -> str:
    """One letter said by its name."""
    return SPELL + char.lower()


def spelled(text: str) -> str:
    """Letters by name, digits one by one, nothing else."""
    said = (letter(c) if c.isalpha() else digits(c) for c in text if c.isascii() and c.isalnum())
    return " ".join(said)
