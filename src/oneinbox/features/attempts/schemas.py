"""What an attempt has to do with registered numbers, and attempts as they are shown."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field


@dataclass(frozen=True, slots=True)
class Reached:
    """The number that an INVITE was for, once it is known."""

    number: str
    phone_id: str
    workspace_id: str


class Tie(StrEnum):
    """What a number is to an attempt."""

    CALLED = "called"
    CANDIDATE = "candidate"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True)
class Related:
    """A number that an attempt has to do with."""

    number: Reached
    tie: Tie


class AttemptResponse(BaseModel):
    """One INVITE and what became of it."""

    id: str
    at: datetime
    verdict: str = Field(description="`admitted`, `challenged` (asked for a password) or `refused`.")
    status: int = Field(description="The SIP status that the caller got; 0 when there was no answer.")
    cause: str
    reason: str = Field(description="The cause in plain words.")
    unmatched_value: str | None = Field(description="The value that did not match: a number, a source, a user name.")
    nearest_number: str | None = Field(description="Your registered number that is most like the dialled one.")
    candidates: list[str] = Field(description="Your numbers that the dialled one may mean, when it is ambiguous.")
    source: str = Field(description="Where the INVITE came from: address and port.")
    dialled: str = Field(description="The number as it came.")
    caller_number: str | None
    user_agent: str | None
    sip_call_id: str
    call_id: str | None
    count: int = Field(description="How many messages this record stands for.")
    ladder: list[str] = Field(description="The messages, with milliseconds and directions; no credentials.")
