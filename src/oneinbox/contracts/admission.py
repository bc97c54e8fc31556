"""What the edge asks about an INVITE and what it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Cause(StrEnum):
    """Why an INVITE was decided as it was; a closed set, stored with every attempt."""

    ADMITTED = "admitted"
    NO_SUCH_NUMBER = "no_such_number"
    AMBIGUOUS_NUMBER = "ambiguous_number"
    SOURCE_NOT_ALLOWED = "source_not_allowed"
    CHALLENGED = "challenged"
    WRONG_PASSWORD = "wrong_password"
    NO_AGENT = "no_agent"
    PAUSED = "paused"
    LIMIT = "limit"
    DUPLICATE = "duplicate"
    OVERLOAD = "overload"
    MALFORMED = "malformed"
    MEDIA_REFUSED = "media_refused"
    WORKER_GONE = "worker_gone"
    CANCELLED = "cancelled"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class InviteFacts:
    """What an INVITE says, already parsed."""

    source_host: str
    source_port: int
    dialled: str
    """User part of the Request-URI as it came, e.g. `+15551234567` or `15551234567`."""
    caller: str | None
    """User part of From, or of P-Asserted-Identity when From is anonymous."""
    sip_call_id: str
    user_agent: str | None = None
    offered: tuple[str, ...] = ()
    """Encodings that the offer's first audio line names, e.g. `PCMA/8000`; empty without an offer."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a caller answers to the edge's challenge (RFC 7616, section 3.4): fresh, and said for the first time.

    Only the password is left to check. Text is Latin-1, as it came.
    """

    username: str
    algorithm: str
    nonce: str
    uri: str
    count: str
    cnonce: str
    response: str = field(repr=False)
    method: str
    for_this: bool = True
    """Whether its URI is that of the request; else it proves nothing."""


@dataclass(frozen=True, slots=True)
class WorkerRoute:
    """A voice worker that may take the call, with the headers it must see (`X-OI-Call-Id`, `X-OI-Ticket`)."""

    worker_id: str
    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Admitted:
    """Forward to the first route; on no answer within a second, or its refusal, to the next."""

    call_id: str
    number: str
    """Canonical +E.164: what the forwarded Request-URI carries as its user."""
    routes: tuple[WorkerRoute, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Answer `status` yourself; 401 is a challenge. `reason` is the cause in plain words, for records, not the wire."""

    status: int
    cause: Cause
    reason: str
    retry_after: int | None = None
    call_id: str | None = None
    unmatched: str | None = None
    """The value that didn't match: a number as it was dialled, a source, a user name."""


Decision = Admitted | Refused


@dataclass(frozen=True, slots=True)
class Attempt:
    """The record that every INVITE leaves; what was never read is counted, by source and kind."""

    facts: InviteFacts
    status: int
    """Final SIP status that the caller got; 0 when none was sent."""
    cause: Cause
    reason: str
    call_id: str | None
    ladder: tuple[str, ...]
    """Start lines with direction and milliseconds, redacted: no credentials."""
    unmatched: str | None = None
    count: int = 1
    """How many messages this record stands for."""
    id: str | None = None
    at: datetime | None = None
    """Given where the record is queued, so that one that is written twice is one."""
