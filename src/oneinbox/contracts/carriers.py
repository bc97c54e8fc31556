"""What is known of a carrier without asking it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CarrierSpec:
    """A carrier. `signalling_ranges` are the CIDRs that it publishes as sources of its SIP signalling."""

    provider: str
    env_prefix: str
    signalling_ranges: tuple[str, ...]
