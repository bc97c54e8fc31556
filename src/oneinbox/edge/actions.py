"""What goes in and out of the edge's core: addresses, settings, and the actions that it asks for."""

from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Literal, NamedTuple

from oneinbox.contracts.admission import Attempt, InviteFacts, Login

Transport = Literal["udp", "tcp", "tls"]


class Address(NamedTuple):
    """Numeric host without brackets, port, and how it is spoken to; of a stream it is the other end's."""

    host: str
    port: int
    transport: Transport = "udp"

    @property
    def is_stream(self) -> bool:
        """Is nothing lost on the way, so that nothing need be said twice?"""
        return self.transport != "udp"


T1 = 0.5
"""Round-trip estimate in seconds (RFC 3261, table 4)."""
T2 = 4.0
LIFETIME = 64 * T1
"""How long a transaction that has its final answer is remembered, in seconds."""


@dataclass(frozen=True, slots=True)
class Send:
    """One message to send. When its stream is closed, it is sent to `otherwise`, if that is given."""

    data: bytes
    dest: Address
    otherwise: Address | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """Decide about this INVITE and call `Edge.decided` with `key`."""

    key: str
    facts: InviteFacts
    login: Login | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Write this attempt down; exactly one follows each INVITE."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep this text for an edge that comes after this one; None: it may be forgotten."""

    key: str
    text: str | None


Action = Send | Ask | Record | Keep


@dataclass(frozen=True, slots=True)
class EdgeConfig:
    """`advertised` stands in Via and Record-Route, for peers outside with the host `public`, if there is one.

    The limits count table entries; strangers have their own share.
    """

    advertised: Address
    route_key: bytes = field(repr=False)
    nonce_key: bytes = field(repr=False, default_factory=lambda: token_bytes(32))
    tls_port: int = 5061
    public: str | None = None
    public_media: str | None = None
    """The same as numbers, for SDP."""
    max_invites: int = 10_000
    max_stranger_invites: int = 2_000
    max_stranger_questions: int = 64
    stranger_questions_per_second: float = 50.0
    """What admission is asked about strangers who have proven nothing, from wherever some number takes calls."""
    max_nonces: int = 50_000
    max_dialogs: int = 20_000
    max_relayed: int = 20_000
    max_sources: int = 20_000
    max_tallied: int = 50
    """Sources that are counted apart in the record, of those whose messages leave no record each."""
    stranger_burst: float = 20.0
    stranger_per_second: float = 8.0
    strangers_per_second: float = 500.0
    """All of them together, and as many again for those who say that they can prove who they are."""
    hopeless_per_second: float = 50.0
    """All strangers together whom no number admits, while none has a login either."""
    strangers_asked_per_second: float = 5.0
    """INVITEs of sources that no number admits, about which admission is asked all the same; it records each."""
    known_per_second: float = 2_000.0
    """Messages of one known source, before they are read."""
    invites_per_second: float = 100.0
    """New INVITEs of one source."""
