"""CMUdict, unpacked once: lower-case word to ARPAbet phones."""

import lzma
from pathlib import Path

DATA = Path(__file__).parent.parent / "data" / "english"


def read_lexicon() -> dict[str, str]:
    """126,000 words; phones are parted by spaces and vowels end in their stress, 0 to 2."""
    text = lzma.decompress((DATA / "cmudict.xz").read_bytes()).decode()
    entries = (line.partition(" ") for line in text.splitlines())
    return {word: phones for word, _, phones in entries}
