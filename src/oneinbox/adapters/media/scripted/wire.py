"""What the scripted trunks and their process say to each other: one JSON line each way per connection."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Kind = Literal["inbound_trunk", "outbound_trunk", "dispatch_rule"]
KINDS: tuple[Kind, ...] = ("inbound_trunk", "outbound_trunk", "dispatch_rule")
MOST_LINE_BYTES = 1024 * 1024


class FaultKind(StrEnum):
    """How an operation goes wrong."""

    ERROR = "error"
    """It is refused, and not done."""
    CUT = "cut"
    """It is not done, and the connection breaks."""
    DENIED = "denied"
    """It is done, and said not to be."""
    LOST = "lost"
    """It is done, and the connection breaks before the answer."""
    SILENT = "silent"
    """It is not done, and no answer ever comes."""
    MUTE = "mute"
    """It is done, and no answer ever comes."""
    DELAY = "delay"
    """It is done after `seconds`."""


class Fault(BaseModel):
    """What happens to one operation."""

    model_config = ConfigDict(frozen=True)

    kind: FaultKind
    seconds: float = 0.0


class Ask(BaseModel):
    """A request. `do` is an operation of the port, or `script`, `seen`, `things`, which are for tests."""

    model_config = ConfigDict(frozen=True)

    do: Literal["create", "update", "find", "remove", "script", "seen", "things"]
    kind: Kind = "inbound_trunk"
    external_id: str = ""
    marker: str = ""
    thing: dict[str, JsonValue] = Field(default_factory=dict, repr=False)
    place: str = ""
    faults: tuple[Fault, ...] = ()

    def named(self) -> str:
        """The operation by which faults are scripted, as in `create_inbound_trunk`."""
        return f"{self.do}_{self.kind}"


class Reply(BaseModel):
    """An answer: what was asked for, or why not."""

    model_config = ConfigDict(frozen=True)

    value: JsonValue = Field(default=None, repr=False)
    error: str | None = None
    retryable: bool = False


def plain(thing: Mapping[str, object]) -> dict[str, JsonValue]:
    """The members of a trunk or rule as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else _plain(value) for name, value in thing.items()}


def _plain(value: object) -> JsonValue:
    assert value is None or isinstance(value, str | int | float | bool)
    return value
