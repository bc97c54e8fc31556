"""The media plane's port: trunks and rules on one side, the legs of calls on the other.

Audio everywhere is 16-bit little-endian mono PCM at SAMPLE_RATE, in blocks of BLOCK_MS.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from oneinbox.kit.errors import ProviderError

SAMPLE_RATE = 8000
BLOCK_MS = 20
BLOCK_SAMPLES = SAMPLE_RATE * BLOCK_MS // 1000
BLOCK_BYTES = BLOCK_SAMPLES * 2

CALL_ID_HEADER = "X-OI-Call-Id"
TICKET_HEADER = "X-OI-Ticket"


class MediaError(ProviderError):
    """The media plane could not do it."""

    code = "MEDIA_PLANE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class InboundTrunk:
    """Who may send calls for a number. `marker` is ours: by it the trunk is found again after a crash."""

    marker: str
    workspace_id: str
    number: str
    provider: str
    allowed_addresses: tuple[str, ...]
    """CIDRs."""
    auth_username: str | None = None
    auth_password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OutboundTrunk:
    """How calls leave from a number."""

    marker: str
    workspace_id: str
    number: str
    provider: str
    address: str
    auth_username: str
    auth_password: str = field(repr=False)
    transport: Literal["udp", "tcp", "tls"] = "udp"


@dataclass(frozen=True, slots=True)
class DispatchRule:
    """Calls of this inbound trunk are served under this phone number's routing."""

    marker: str
    workspace_id: str
    trunk_id: str
    phone_id: str


class TrunkPlane(Protocol):
    """Provisioning. Creating is not idempotent: look up by marker first. Raises ProviderError kin."""

    async def create_inbound_trunk(self, trunk: InboundTrunk) -> str:
        """The new trunk's id, `ST_…`."""
        ...

    async def create_outbound_trunk(self, trunk: OutboundTrunk) -> str:
        """The new trunk's id, `ST_…`."""
        ...

    async def create_dispatch_rule(self, rule: DispatchRule) -> str:
        """The new rule's id, `SDR_…`."""
        ...

    async def update_inbound_trunk(self, trunk_id: str, trunk: InboundTrunk) -> None:
        """Replace what the trunk says."""
        ...

    async def update_outbound_trunk(self, trunk_id: str, trunk: OutboundTrunk) -> None:
        """Replace what the trunk says."""
        ...

    async def find(self, kind: Literal["inbound_trunk", "outbound_trunk", "dispatch_rule"], marker: str) -> str | None:
        """The id of what carries `marker`, if it exists."""
        ...

    async def remove(self, kind: Literal["inbound_trunk", "outbound_trunk", "dispatch_rule"], external_id: str) -> None:
        """Remove it; removing what is gone already is fine."""
        ...


@dataclass(frozen=True, slots=True)
class LegEvent:
    """What happened to a leg. `detail` is the digit for `dtmf`, a cause in plain words for `closed` and `lost`."""

    kind: Literal["established", "held", "resumed", "dtmf", "closed", "lost"]
    """`closed`: one of the sides has ended the call. `lost`: the media plane can't carry it any more."""
    detail: str = ""

    @property
    def is_last(self) -> bool:
        """Does nothing follow on this leg?"""
        return self.kind in ("closed", "lost")


class AudioSink(Protocol):
    """Who hears a leg."""

    def block(self, heard: bytes, said: bytes) -> None:
        """One tick: BLOCK_BYTES from the far side (silence while held or lost) and the BLOCK_BYTES handed to it."""
        ...


class CallLeg(Protocol):
    """One call on a media plane, from ringing to its end. All methods are called on the event loop."""

    headers: Mapping[str, str]
    """The headers of the INVITE that we own (`X-OI-…`)."""

    async def answer(self) -> None:
        """200 OK; audio blocks flow from then on. Raises MediaError kin of ProviderError when the call is gone."""
        ...

    async def reject(self) -> None:
        """Refuse before answering."""
        ...

    async def hang_up(self) -> None:
        """BYE; harmless when it is over already."""
        ...

    def attach(self, sink: AudioSink) -> None:
        """From now on `sink` gets every block, in order, on the event loop. One sink at a time."""
        ...

    def play(self, pcm: bytes) -> None:
        """Queue audio behind what is queued already."""
        ...

    def flush(self) -> int:
        """Drop what is queued (barge-in: at most one block still leaves). Returns the samples dropped."""
        ...

    @property
    def queued_samples(self) -> int:
        """Samples queued by `play` and not yet handed to the far side."""
        ...

    @property
    def lead_ms(self) -> int:
        """How long after its `block` call audio that was said is heard on the line."""
        ...

    def events(self) -> AsyncIterator[LegEvent]:
        """Everything that happens to the leg; ends after `closed` or `lost`."""
        ...


OnCall = Callable[[CallLeg], Awaitable[None]]


class MediaPlane(Protocol):
    """One media engine in one voice worker process."""

    async def start(self, on_call: OnCall) -> tuple[str, int]:
        """Open the SIP socket; `on_call` is awaited in a task of its own per arriving call. Returns host and port."""
        ...

    async def dial(self, trunk: OutboundTrunk, to_number: str, headers: Mapping[str, str]) -> CallLeg:
        """Ring the far side; returns the leg, whose `established`, `closed` or `lost` event tells how it went."""
        ...

    async def close(self) -> None:
        """Hang up all and free the engine."""
        ...
