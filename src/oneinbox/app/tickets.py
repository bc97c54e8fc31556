"""Tickets: how a voice worker knows that an INVITE comes from the edge, for it, for this call, now."""

import hashlib
import hmac
from datetime import datetime, timedelta

LIFETIME = timedelta(seconds=30)


def issue(key: bytes, call_id: str, worker_id: str, now: datetime) -> str:
    """`<unix expiry>.<hex HMAC-SHA256>`, good for LIFETIME."""
    expiry = int((now + LIFETIME).timestamp())
    return f"{expiry}.{_mac(key, call_id, worker_id, expiry)}"


class TicketBooth:
    """Checks tickets for one worker, each of them good once."""

    def __init__(self, key: bytes, worker_id: str) -> None:
        self._key = key
        self._worker_id = worker_id
        self._used: dict[str, int] = {}

    def admit(self, ticket: str, call_id: str, now: datetime) -> bool:
        """True the first time a valid ticket of this worker for this call is shown before it expires."""
        stamp, _, mac = ticket.partition(".")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            return False
        expiry = int(stamp)
        if not hmac.compare_digest(mac.encode(), _mac(self._key, call_id, self._worker_id, expiry).encode()):
            return False
        moment = now.timestamp()
        if expiry < moment or ticket in self._used:
            return False
        self._used = {known: until for known, until in self._used.items() if until >= moment}
        self._used[ticket] = expiry
        return True


def _mac(key: bytes, call_id: str, worker_id: str, expiry: int) -> str:
    return hmac.new(key, f"{call_id}\n{worker_id}\n{expiry}".encode(), hashlib.sha256).hexdigest()
