"""What others are told of trunks."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["inbound_trunk", "outbound_trunk", "dispatch_rule"]


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who may send calls for a number: `sources` are CIDRs."""

    sources: tuple[str, ...]
    wants_digest: bool
