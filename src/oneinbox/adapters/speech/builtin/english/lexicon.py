"""CMUdict, unpacked once: lower-case words and every way it knows to say them."""

import lzma
from pathlib import Path

DATA = Path(__file__).parent.parent / "data" / "english"

Phones = list[str]
"""ARPAbet; vowels end in their stress: 1 main, 2 secondary, 0 none."""


class Lexicon:
    """126,000 words with one pronunciation or more, in the dictionary's order."""

    def __init__(self) -> None:
        text = lzma.decompress((DATA / "cmudict.xz").read_bytes()).decode()
        entries = (line.partition(" ") for line in text.splitlines())
        self._said = {word: phones for word, _, phones in entries}

    def __contains__(self, word: str) -> bool:
        return word in self._said

    def words(self) -> list[str]:
        """Every word."""
        return list(self._said)

    def pronunciations(self, word: str) -> list[Phones]:
        """What the dictionary gives for the word; nothing when it lacks it."""
        said = self._said.get(word)
        return [phones.split() for phones in said.split("|")] if said else []
