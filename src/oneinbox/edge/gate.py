"""What is dropped before it is read: too much from one source, and too much or too long from strangers."""

from oneinbox.edge.actions import EdgeConfig
from oneinbox.edge.agenda import Buckets

EVERYBODY = "everybody"
PROOF = b"uthorization"
BURST_SECONDS = 2.0
LONG_BYTES = 8 * 1024
"""Many times what an INVITE with its proof needs: strangers' are not read, and of known sources' not many."""
LONG_PER_SECOND = 10.0


class Gate:
    """Token buckets. Strangers who carry a proof aren't kept out by those who carry none."""

    def __init__(self, config: EdgeConfig) -> None:
        most = config.max_sources
        self._stranger = Buckets(config.stranger_burst, config.stranger_per_second, most)
        self._known = Buckets(config.known_per_second * BURST_SECONDS, config.known_per_second, most)
        self._long = Buckets(LONG_PER_SECOND * BURST_SECONDS, LONG_PER_SECOND, most)
        together = config.strangers_per_second
        self._strangers = Buckets(together * BURST_SECONDS, together, 1)
        hopeless = config.hopeless_per_second
        self._hopeless = Buckets(hopeless * BURST_SECONDS, hopeless, 1)
        self._proving = Buckets(together * BURST_SECONDS, together, 1)

    def __len__(self) -> int:
        return len(self._stranger) + len(self._known) + len(self._long)

    def opens(self, data: bytes, host: str, known: bool, hopeful: bool, now: float) -> bool:
        """Is this message to be read? `hopeful`: may its sender, if not known, call for all that we know?"""
        long = len(data) > LONG_BYTES
        if known:
            return self._known.take(host, now) and (not long or self._long.take(host, now))
        if long or not self._stranger.take(host, now):
            return False
        if not hopeful:
            return self._hopeless.take(EVERYBODY, now)
        together = self._proving if PROOF in data else self._strangers
        return together.take(EVERYBODY, now)
