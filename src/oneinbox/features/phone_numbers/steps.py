"""What registering and releasing a number consists of: every effect with how it is found again and undone."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.contracts.media import DispatchRule, InboundTrunk, OutboundTrunk
from oneinbox.features.agents import service as agents
from oneinbox.features.context import Context
from oneinbox.features.phone_numbers.errors import PhoneNumberNotFound, PhoneNumberTaken, SipTrunkProvisionFailed
from oneinbox.features.phone_numbers.models import PhoneNumber
from oneinbox.features.phone_numbers.repository import PhoneNumberRepository
from oneinbox.features.phone_numbers.schemas import InboundRouting, PhoneNumberCreate, SipProviderConfig
from oneinbox.features.trunks.schemas import Kind
from oneinbox.kit.bodies import InvalidField
from oneinbox.kit.steps import Deed, Results, Step, Undoing

TRIO = {"trunk_address": "TRUNK_ADDRESS", "auth_username": "SIP_USERNAME", "auth_password": "SIP_PASSWORD"}
"""The SIP values that every trunk needs, and how the variables that supply them end."""
READABLE = frozenset({"trunk_address", "auth_username", "inbound_username", "allowed_addresses"})


@dataclass(frozen=True, slots=True)
class TrunkConfig:
    """What the trunks of a number are made of, each value given or the deployment's own."""

    address: str
    username: str
    password: str = field(repr=False)
    sources: tuple[str, ...]
    inbound_username: str | None
    inbound_password: str | None = field(repr=False)


def resolve(ctx: Context, body: PhoneNumberCreate) -> TrunkConfig:
    """The SIP trio, field by field from the request, else from the deployment's settings; and who may call.

    Raises SipTrunkProvisionFailed naming what is missing, InvalidField for half an inbound login.
    """
    config = body.provider_config
    spec = ctx.ports.carriers[body.provider]
    defaults = ctx.ports.defaults.sip.get(body.provider)
    trio = {name: getattr(config, name) or getattr(defaults, name, None) or "" for name in TRIO}
    if missing := [name for name in TRIO if not trio[name]]:
        variables = ", ".join(f"{spec.env_prefix}_{TRIO[name]}" for name in missing)
        fields = ", ".join(f"provider_config.{name}" for name in missing)
        raise SipTrunkProvisionFailed(
            f"The SIP trunk needs {fields}: send {_them(missing)} in the request, or set {variables} on the server."
        )
    if bool(config.inbound_username) != bool(config.inbound_password):
        absent = "inbound_password" if config.inbound_username else "inbound_username"
        place = ("body", "provider_config", absent)
        raise InvalidField(place, "inbound_username and inbound_password are given together or not at all")
    return TrunkConfig(
        address=trio["trunk_address"],
        username=trio["auth_username"],
        password=trio["auth_password"],
        sources=(*spec.signalling_ranges, *(config.allowed_addresses or ())),
        inbound_username=config.inbound_username or None,
        inbound_password=config.inbound_password or None,
    )


def registering(ctx: Context, phone_id: str, body: PhoneNumberCreate, config: TrunkConfig) -> Sequence[Step]:
    """Reserve the number, make its trunks and its rule, and put it into service."""
    reserve = _Reserving(ctx, phone_id, body)
    provision = _Provisioning(ctx, phone_id, body, config)
    activate = _Activating(ctx, phone_id)
    return [
        Step("reserve", reserve.do, reserve.find, reserve.undo),
        Step("inbound_trunk", provision.inbound_trunk, *_on_plane(ctx, "inbound_trunk", phone_id)),
        Step("outbound_trunk", provision.outbound_trunk, *_on_plane(ctx, "outbound_trunk", phone_id)),
        Step("dispatch_rule", provision.dispatch_rule, *_on_plane(ctx, "dispatch_rule", phone_id)),
        Step("activate", activate.do),
    ]


def releasing(ctx: Context, phone_id: str) -> Sequence[Step]:
    """Withdraw the number, then take the rule away, so that no call comes in half-way, the trunks, and the row.

    The first step raises PhoneNumberNotFound.
    """
    withdrawal = _Withdrawing(ctx, phone_id)
    kinds: tuple[Kind, ...] = ("dispatch_rule", "inbound_trunk", "outbound_trunk")
    removals = [Step(kind, _OnPlane(ctx, kind, _marker(phone_id, kind)).remove) for kind in kinds]
    return [Step("withdraw", withdrawal.withdraw), *removals, Step("forget", withdrawal.forget)]


def routing_row(routing: InboundRouting | None) -> dict[str, object] | None:
    """The routing as it is stored; a fallback without an agent is none."""
    if routing is None:
        return None
    fallback = routing.fallback.agent_id if routing.fallback else None
    return {
        "agent_id": str(routing.agent_id),
        "fallback": {"agent_id": str(fallback)} if fallback else None,
        "voicemail_message": routing.voicemail_message,
    }


class _Reserving:
    """The row that holds the number, while nobody can call it yet."""

    def __init__(self, ctx: Context, phone_id: str, body: PhoneNumberCreate) -> None:
        self._ctx, self._phone_id, self._body = ctx, phone_id, body

    async def do(self, session: AsyncSession, _: Results) -> str:
        body, routing = self._body, self._body.inbound_routing
        fallback = routing.fallback.agent_id if routing and routing.fallback else None
        named = [str(one) for one in (body.agent_id, routing and routing.agent_id, fallback) if one]
        await agents.require(session, self._ctx.workspace_id, named)
        readable, sealed = _stored(self._ctx, self._phone_id, body.provider_config)
        phone = PhoneNumber(
            id=self._phone_id,
            phone_number=body.phone_number,
            friendly_name=body.friendly_name,
            provider=body.provider,
            agent_id=str(body.agent_id),
            status="provisioning",
            inbound_routing=routing_row(routing),
            provider_config=readable,
            sealed_config=sealed,
        )
        own = PhoneNumberRepository(session, self._ctx.workspace_id)
        try:
            async with session.begin_nested():
                await own.add(phone)
        except IntegrityError:
            mine = await own.id_of(body.phone_number)
            where = f" as {mine}" if mine else ""
            raise PhoneNumberTaken(f"{body.phone_number} is already registered{where}.") from None
        return self._phone_id

    async def find(self, session: AsyncSession, _: Results) -> str | None:
        phone = await PhoneNumberRepository(session, self._ctx.workspace_id).get(self._phone_id)
        return phone.id if phone else None

    async def undo(self, session: AsyncSession, _: str | None) -> None:
        await PhoneNumberRepository(session, self._ctx.workspace_id).forget(self._phone_id)


class _Provisioning:
    """What the media plane is asked to make."""

    def __init__(self, ctx: Context, phone_id: str, body: PhoneNumberCreate, config: TrunkConfig) -> None:
        self._ctx, self._phone_id, self._body, self._config = ctx, phone_id, body, config

    async def inbound_trunk(self, _session: AsyncSession, _: Results) -> str:
        trunk = InboundTrunk(
            marker=_marker(self._phone_id, "inbound_trunk"),
            workspace_id=self._ctx.workspace_id,
            number=self._body.phone_number,
            provider=self._body.provider,
            allowed_addresses=self._config.sources,
            auth_username=self._config.inbound_username,
            auth_password=self._config.inbound_password,
        )
        return await self._ctx.ports.trunks.create_inbound_trunk(trunk)

    async def outbound_trunk(self, _session: AsyncSession, _: Results) -> str:
        trunk = OutboundTrunk(
            marker=_marker(self._phone_id, "outbound_trunk"),
            workspace_id=self._ctx.workspace_id,
            number=self._body.phone_number,
            provider=self._body.provider,
            address=self._config.address,
            auth_username=self._config.username,
            auth_password=self._config.password,
        )
        return await self._ctx.ports.trunks.create_outbound_trunk(trunk)

    async def dispatch_rule(self, _session: AsyncSession, results: Results) -> str:
        trunk_id = results["inbound_trunk"]
        assert trunk_id is not None
        rule = DispatchRule(
            marker=_marker(self._phone_id, "dispatch_rule"),
            workspace_id=self._ctx.workspace_id,
            trunk_id=trunk_id,
            phone_id=self._phone_id,
        )
        return await self._ctx.ports.trunks.create_dispatch_rule(rule)


class _Activating:
    """The number goes into service, with the ids of what serves it."""

    def __init__(self, ctx: Context, phone_id: str) -> None:
        self._ctx, self._phone_id = ctx, phone_id

    async def do(self, session: AsyncSession, results: Results) -> None:
        ids = {f"{kind}_id": results[kind] for kind in ("inbound_trunk", "outbound_trunk", "dispatch_rule")}
        own = PhoneNumberRepository(session, self._ctx.workspace_id)
        await own.change(self._phone_id, {**ids, "status": "active", "updated_at": self._ctx.clock.now()})


class _Withdrawing:
    """The number goes out of service, and at last away."""

    def __init__(self, ctx: Context, phone_id: str) -> None:
        self._ctx, self._phone_id = ctx, phone_id

    async def withdraw(self, session: AsyncSession, _: Results) -> str:
        own = PhoneNumberRepository(session, self._ctx.workspace_id)
        if await own.get(self._phone_id, lock=True) is None:
            raise PhoneNumberNotFound(f"There is no phone number {self._phone_id} in this workspace.")
        await own.change(self._phone_id, {"status": "inactive", "updated_at": self._ctx.clock.now()})
        return self._phone_id

    async def forget(self, session: AsyncSession, _: Results) -> None:
        now = self._ctx.clock.now()
        own = PhoneNumberRepository(session, self._ctx.workspace_id)
        await own.change(self._phone_id, {"deleted_at": now, "updated_at": now, "sealed_config": {}})


class _OnPlane:
    """Finding and removing one thing on the media plane."""

    def __init__(self, ctx: Context, kind: Kind, marker: str) -> None:
        self._trunks, self._kind, self._marker = ctx.ports.trunks, kind, marker

    async def find(self, _session: AsyncSession, _: Results) -> str | None:
        return await self._trunks.find(self._kind, self._marker)

    async def undo(self, _session: AsyncSession, external_id: str | None) -> None:
        if external_id is not None:
            await self._trunks.remove(self._kind, external_id)

    async def remove(self, session: AsyncSession, results: Results) -> str | None:
        external_id = await self.find(session, results)
        await self.undo(session, external_id)
        return external_id


def _on_plane(ctx: Context, kind: Kind, phone_id: str) -> tuple[Deed, Undoing]:
    thing = _OnPlane(ctx, kind, _marker(phone_id, kind))
    return thing.find, thing.undo


def _marker(phone_id: str, kind: Kind) -> str:
    return f"{phone_id}:{kind}"


def _stored(ctx: Context, phone_id: str, config: SipProviderConfig) -> tuple[dict[str, object], dict[str, str]]:
    """What of the configuration may be read, and the rest, each value sealed for its place."""
    given: Mapping[str, object] = config.model_dump(exclude_none=True)
    readable = {name: value for name, value in given.items() if name in READABLE}
    sealed = {
        name: base64.b64encode(
            ctx.ports.sealer.seal(json.dumps(value), workspace_id=ctx.workspace_id, row_id=phone_id, field=name)
        ).decode()
        for name, value in given.items()
        if name not in READABLE
    }
    return readable, sealed


def _them(missing: Sequence[str]) -> str:
    return "it" if len(missing) == 1 else "them"
