"""Numbers out of samples: percentiles, jitter, word errors."""

import re
from collections.abc import Sequence


def percentile(samples: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the samples lie, between neighbours by proportion; NaN of none."""
    if not samples:
        return float("nan")
    ordered = sorted(samples)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def mean(samples: Sequence[float]) -> float:
    """Their mean; NaN of none."""
    return sum(samples) / len(samples) if samples else float("nan")


def jitter_ms(arrivals: Sequence[tuple[float, int]]) -> list[float]:
    """The running interarrival jitter after each packet, in ms (RFC 3550, A.8).

    A packet is when it came, in seconds, and its RTP timestamp at 8 kHz.
    """
    jitter, found = 0.0, []
    for (came, stamp), (before, stamp_before) in zip(arrivals[1:], arrivals[:-1], strict=True):
        sent_ms = ((stamp - stamp_before) & 0xFFFFFFFF) / 8
        late_ms = abs((came - before) * 1000 - sent_ms)
        jitter += (late_ms - jitter) / 16
        found.append(jitter)
    return found


def words(text: str) -> list[str]:
    """A text's words, without case, punctuation and apostrophes."""
    return re.findall(r"[a-z0-9]+", text.lower().replace("'", "").replace("’", ""))


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest words to change, add or leave out between what was said and what was heard (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for index, word in enumerate(said, 1):
        diagonal, row[0] = row[0], index
        for place, other in enumerate(heard, 1):
            cost = min(row[place] + 1, row[place - 1] + 1, diagonal + (word != other))
            diagonal, row[place] = row[place], cost
    return row[-1]
