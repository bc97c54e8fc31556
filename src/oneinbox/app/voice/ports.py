"""UDP ports for audio: each voice worker's share of the range, and how many calls a share surely carries."""

from oneinbox.app.settings import PortRange

PORTS_A_CALL = 2
"""RTP and RTCP."""
FEW_PAIRS = 8
"""As many as units that the dearest call weighs: a worker with so few ports takes one such call rather than none."""


def rtp_slice(ports: PortRange, index: int, workers: int) -> tuple[int, int]:
    """The first and last UDP port of one worker: equal shares of the range, each beginning with an even port."""
    even = ports.first + ports.first % PORTS_A_CALL
    share = (ports.last - even + 1) // workers // PORTS_A_CALL * PORTS_A_CALL
    return even + index * share, even + (index + 1) * share - 1


def calls_within(first: int, last: int) -> int:
    """How many calls a share takes at a time: four fifths of its pairs, or all while they are few.

    The engine finds a free pair by trying 64 at random: with a fifth of them free it fails once in 1.6 million calls,
    with one of eight once in 5,000, with one of twenty once in 27.
    """
    pairs = (last - first + 1) // PORTS_A_CALL
    return max(min(pairs, FEW_PAIRS), pairs * 4 // 5)
