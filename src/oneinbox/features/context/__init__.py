"""What every service is given first: whose request it is, the transaction it runs in, and the ports it may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.contracts.carriers import CarrierSpec
from oneinbox.contracts.media import TrunkPlane
from oneinbox.kit.clock import Clock
from oneinbox.kit.sealing import Sealer
from oneinbox.kit.steps import Steps


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
    extra_providers: frozenset[str] = frozenset({"builtin"})
    english_only: frozenset[str] = frozenset({"builtin"})
    sip: Mapping[str, SipDefaults] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Links:
    """What links to recordings are made of: the key that signs them, where the API is reached, where the files lie."""

    key: bytes = field(repr=False)
    public_url: str
    recordings: Path


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside the transaction."""

    trunks: TrunkPlane
    steps: Steps
    sealer: Sealer
    carriers: Mapping[str, CarrierSpec]
    defaults: Defaults
    links: Links
    version: str


@dataclass(frozen=True, slots=True)
class Context:
    """One request: `actor` is the id of the key that it came with."""

    session: AsyncSession
    workspace_id: str
    actor: str
    request_id: str
    clock: Clock
    ports: Ports


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that needs no key, and so belongs to no workspace."""

    session: AsyncSession
    clock: Clock
    ports: Ports
