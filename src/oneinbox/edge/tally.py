"""What leaves no record of its own is counted: one a source and a while, however many messages there were."""

from collections.abc import Callable

from oneinbox.contracts.admission import Attempt, Cause, InviteFacts
from oneinbox.edge.actions import Record
from oneinbox.edge.agenda import Agenda

PAUSE_SECONDS = 10.0
MANY = "0.0.0.0"
"""Stands for the sources that there was no room to keep apart."""

Kind = tuple[Cause, str]
Key = tuple[str, Kind, int]
SILENCED: Kind = (Cause.LIMIT, "messages were dropped unread, because too many came or they were too long")
UNREADABLE: Kind = (Cause.MALFORMED, "messages were no SIP and got no answer")
TURNED_AWAY: Kind = (Cause.SOURCE_NOT_ALLOWED, "INVITEs came from an address that may not call")
CROWDED_OUT: Kind = (Cause.OVERLOAD, "INVITEs of strangers were not looked at, because there were too many")


class Tally:
    """Counts by source, kind and the status that was answered (0: none).

    Each count becomes a record PAUSE_SECONDS after its first message.
    """

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._counts: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, host: str, kind: Kind, now: float, status: int = 0) -> None:
        """One more."""
        key = (host, kind, status)
        if key not in self._counts and len(self._counts) >= self._agenda.config.max_tallied:
            key = (MANY, kind, status)
        if key not in self._counts:
            self._counts[key] = 0
            self._agenda.at(now + PAUSE_SECONDS, self._due(key))
        self._counts[key] += 1

    def flush(self) -> None:
        """Record all that is counted."""
        for key in list(self._counts):
            self._record(key)

    def _due(self, key: Key) -> Callable[[float], None]:
        return lambda now: self._record(key)

    def _record(self, key: Key) -> None:
        count = self._counts.pop(key, 0)
        if not count:
            return
        host, (cause, what), status = key
        facts = InviteFacts(host, 0, "", None, "")
        self._agenda.act(Record(Attempt(facts, status, cause, f"{count} {what}.", None, (), count=count)))
