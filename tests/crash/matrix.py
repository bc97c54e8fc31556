"""Every way in which a registration, a change or a release can be broken off, counted from the code's own steps."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from oneinbox.features.context import Ports
from oneinbox.features.phone_numbers.schemas import PhoneNumberCreate, PhoneNumberUpdate, SipProviderConfig
from oneinbox.features.phone_numbers.steps import KINDS, REGISTER, Hands, registering, releasing, updating
from oneinbox.kit.clock import SystemClock
from oneinbox.kit.steps import Work

ANSWER = "answer"
"""After the last step: the answer is kept under the request's idempotency key, in the request's own transaction."""
CHANGES_NOTHING = frozenset({"check", ANSWER})
"""Where there is no effect: only what is written down about it can be lost."""


class Point(StrEnum):
    """Where a step is broken off."""

    BEFORE = "before send"
    UNANSWERED = "sent but unanswered"
    UNSTORED = "answered but not stored"


class Fault(StrEnum):
    """What happens there."""

    KILL = "kill"
    LOST = "lost answer"
    TIMEOUT = "time-out"
    ERROR = "error"
    DATABASE = "database restart"


@dataclass(frozen=True)
class Scenario:
    """One of them, on a phone number of its own."""

    kind: str
    step: str
    point: Point
    fault: Fault
    number: str

    def __str__(self) -> str:
        return f"{self.kind} · {self.step} · {self.point} · {self.fault}"

    @property
    def on_plane(self) -> bool:
        """Whether it is the media plane that goes wrong, or else the database."""
        return self.step in KINDS and self.point is not Point.UNSTORED


def _works() -> list[Work]:
    hands = Hands("w", cast(Ports, _NoPorts()), SystemClock())
    body = PhoneNumberCreate(phone_number="+15550100001", provider="twilio", agent_id=uuid.uuid4())
    change = PhoneNumberUpdate(provider_config=SipProviderConfig(auth_password="new"))
    return [registering(hands, "p", body), updating(hands, "p", change), releasing(hands, "p")]


class _NoPorts:
    """Enough to list steps, none of which is run."""

    trunks = None


def _all() -> Iterator[Scenario]:
    number = 0
    for fault in Fault:
        for work in _works():
            for step in (*(step.name for step in work.steps), *([ANSWER] if work.kind == REGISTER else [])):
                for point in [Point.UNSTORED] if step in CHANGES_NOTHING else Point:
                    number += 1
                    yield Scenario(work.kind, step, point, fault, f"+1555{number:07d}")


MATRIX = tuple(_all())
