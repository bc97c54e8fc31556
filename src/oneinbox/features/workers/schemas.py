"""What others are told of workers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Registration:
    """A voice worker that is ready to take calls. `capacity` is in units: a call weighs one or more."""

    id: str
    host: str
    sip_port: int
    capacity: int
    pid: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A worker that could take one more call, with the address its SIP socket has."""

    id: str
    host: str
    sip_port: int


@dataclass(frozen=True, slots=True)
class Departed:
    """A worker that is gone. `address_taken`: another has the address of its SIP socket now."""

    id: str
    host: str
    sip_port: int
    address_taken: bool
