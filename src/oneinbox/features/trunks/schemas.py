"""What others are told of trunks."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["inbound_trunk", "outbound_trunk", "dispatch_rule"]


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who may send calls for a number: `sources` are CIDRs."""

    sources: tuple[str, ...]
    wants_digest: bool


@dataclass(frozen=True, slots=True)
class InboundLogin:
    """What callers of a number prove themselves with."""

    username: str
    password: str = field(repr=False)
