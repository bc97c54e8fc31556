"""What every service is given first: whose request it is, the transaction it runs in, and the ports it may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.contracts.carriers import CarrierSpec
from oneinbox.contracts.media import TrunkPlane
from oneinbox.kit.clock import Clock
from oneinbox.kit.passwords import Passwords
from oneinbox.kit.sealing import Sealer
from oneinbox.kit.steps import Ended, Steps

ActorKind = Literal["api_key", "user"]


@dataclass(frozen=True, slots=True)
class SipDefaults:
    """What the deployment's settings give for a carrier; each may be missing."""

    trunk_address: str | None = None
    auth_username: str | None = None
    auth_password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a new agent gets, and which providers are accepted beyond the public ones."""

    llm_provider: str = "builtin"
    llm_model: str = "default"
    switched_off: frozenset[str] = frozenset()
    """Providers that are not to be used here."""
    english_only: frozenset[str] = frozenset({"builtin"})
    reachable: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Providers that calls can use here, by part: `llm`, `transcriber`, `tts`."""
    sip: Mapping[str, SipDefaults] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Links:
    """What links to recordings are made of: the key that signs them, where the API is reached, where the files lie."""

    key: bytes = field(repr=False)
    public_url: str
    recordings: Path


@dataclass(frozen=True, slots=True)
class SignIn:
    """How people come in: the key that signs their tokens, their passwords' hashes, and whether anybody may sign up."""

    key: bytes = field(repr=False)
    passwords: Passwords
    open_to_all: bool = False


class Attempts(Protocol):
    """How often the source of this request has tried to get in, and how often an account was tried."""

    def count(self, account: str | None = None) -> None:
        """One more; raises TooManyRequests when there were too many."""
        ...

    def forgive(self, account: str) -> None:
        """The one that was counted last was right, and does not count."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside the transaction."""

    trunks: TrunkPlane
    steps: Steps
    sealer: Sealer
    carriers: Mapping[str, CarrierSpec]
    defaults: Defaults
    links: Links
    sign_in: SignIn
    version: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is.

    `actor` is the id of the API key or of the user, `credential` that of the key or of the user's sign-in; `scopes` are
    what it is limited to, none at all when it may do everything. `until` is when the credential ends by itself.
    """

    workspace_id: str
    actor: str
    kind: ActorKind
    credential: str
    scopes: frozenset[str] = frozenset()
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """One request; `actor`, `kind`, `credential` and `scopes` are those of its caller.

    `made_id` is the id of what it makes, when a retry after a crash must find that; `again` says that this is one.
    `deed` is what the audit trail will say of it if it succeeds, for work that others may have to end; `ended` tells
    the trail in the transaction that ends such work.
    """

    session: AsyncSession
    workspace_id: str
    actor: str
    request_id: str
    clock: Clock
    ports: Ports
    kind: ActorKind = "api_key"
    credential: str = ""
    scopes: frozenset[str] = frozenset()
    made_id: str = ""
    again: bool = False
    deed: str | None = None
    ended: Ended | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as the audit trail tells it."""

    request_id: str
    ip: str | None
    user_agent: str | None
    audit_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that needs no key, and so belongs to no workspace.

    `keyed` says that it came with an idempotency key, and so may be one that was sent before.
    """

    session: AsyncSession
    clock: Clock
    ports: Ports
    attempts: Attempts
    origin: Origin
    keyed: bool = False
