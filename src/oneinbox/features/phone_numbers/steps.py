"""What registering, changing and releasing a number consists of: every effect with how it is found again and undone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.contracts.media import DispatchRule, InboundTrunk, OutboundTrunk
from oneinbox.features.agents import service as agents
from oneinbox.features.context import Ports
from oneinbox.features.phone_numbers import config
from oneinbox.features.phone_numbers.config import TrunkConfig
from oneinbox.features.phone_numbers.errors import PhoneNumberNotFound, PhoneNumberTaken, RegisteredMeanwhile
from oneinbox.features.phone_numbers.models import PhoneNumber
from oneinbox.features.phone_numbers.repository import PROVISIONING, PhoneNumberRepository
from oneinbox.features.phone_numbers.schemas import (
    InboundRouting,
    InboundRoutingUpdate,
    PhoneNumberCreate,
    PhoneNumberUpdate,
)
from oneinbox.features.trunks.schemas import Kind
from oneinbox.kit.bodies import as_sent
from oneinbox.kit.clock import Clock
from oneinbox.kit.steps import Deed, Results, Step, Undoing, Work

REGISTER, UPDATE, DELETE = "register", "update", "delete"
KINDS: tuple[Kind, ...] = ("inbound_trunk", "outbound_trunk", "dispatch_rule")


@dataclass(frozen=True, slots=True)
class Hands:
    """What steps work with; no request need be there any more."""

    workspace_id: str
    ports: Ports
    clock: Clock

    def own(self, session: AsyncSession) -> PhoneNumberRepository:
        """The workspace's numbers."""
        return PhoneNumberRepository(session, self.workspace_id)


def registering(hands: Hands, phone_id: str, body: PhoneNumberCreate) -> Work:
    """Reserve the number, make its trunks and its rule, and put it into service."""
    reserve = _Reserving(hands, phone_id, body)
    provision = _Provisioning(hands, phone_id, body)
    steps = [
        Step("reserve", reserve.do, reserve.find, reserve.undo),
        Step("inbound_trunk", provision.inbound_trunk, *_on_plane(hands, "inbound_trunk", phone_id)),
        Step("outbound_trunk", provision.outbound_trunk, *_on_plane(hands, "outbound_trunk", phone_id)),
        Step("dispatch_rule", provision.dispatch_rule, *_on_plane(hands, "dispatch_rule", phone_id)),
        Step("activate", _Activating(hands, phone_id).do),
    ]
    return _work(hands, REGISTER, phone_id, as_sent(body), steps)


def updating(hands: Hands, phone_id: str, body: PhoneNumberUpdate) -> Work:
    """Check the change, have the trunks follow it when the SIP configuration is part of it, and write it down.

    A trunk is replaced in place, so that there is one at every moment. The first step raises PhoneNumberNotFound,
    AgentNotFound, SipTrunkProvisionFailed, InvalidField.
    """
    change = _Changing(hands, phone_id, body)
    trunks = [
        Step("inbound_trunk", change.inbound_trunk, undo=change.undo_inbound_trunk),
        Step("outbound_trunk", change.outbound_trunk, undo=change.undo_outbound_trunk),
    ]
    follow = trunks if body.provider_config is not None else []
    steps = [Step("check", change.check), *follow, Step("change", change.change)]
    return _existing(hands, phone_id, _work(hands, UPDATE, phone_id, as_sent(body), steps))


def releasing(hands: Hands, phone_id: str) -> Work:
    """Withdraw the number, then take the rule away, so that no call comes in half-way, the trunks, and the row.

    The first step raises PhoneNumberNotFound; after it there is no way back.
    """
    withdrawal = _Withdrawing(hands, phone_id)
    order: tuple[Kind, ...] = ("dispatch_rule", "inbound_trunk", "outbound_trunk")
    removals = [Step(kind, _OnPlane(hands, kind, phone_id).remove) for kind in order]
    steps = [Step("withdraw", withdrawal.withdraw), *removals, Step("forget", withdrawal.forget)]
    return _existing(hands, phone_id, _work(hands, DELETE, phone_id, "{}", steps, onward=True))


def remake(hands: Hands, kind: str, phone_id: str, request: str | None) -> Work:
    """The work of an operation that was begun by another process; without its request, what can only be given up."""
    if request is None:
        return _work(hands, kind, phone_id, "", [])
    match kind:
        case "register":
            return registering(hands, phone_id, PhoneNumberCreate.model_validate_json(request))
        case "update":
            return updating(hands, phone_id, PhoneNumberUpdate.model_validate_json(request))
        case _:
            return releasing(hands, phone_id)


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


def agents_of(body: PhoneNumberCreate | PhoneNumberUpdate) -> list[str]:
    """The agents that a request names."""
    routing = body.inbound_routing
    named = [body.agent_id, routing and routing.agent_id, routing and routing.fallback and routing.fallback.agent_id]
    return [str(agent_id) for agent_id in named if agent_id]


def _work(hands: Hands, kind: str, phone_id: str, request: str, steps: Sequence[Step], *, onward: bool = False) -> Work:
    give_up = _GivingUp(hands, phone_id).do
    return Work(kind, hands.workspace_id, phone_id, request, steps, onward=onward, give_up=give_up)


def _existing(hands: Hands, phone_id: str, work: Work) -> Work:
    """Work that is begun only on a number of this workspace."""

    async def require(session: AsyncSession) -> None:
        await required(hands, session, phone_id)

    return replace(work, require=require)


class _Reserving:
    """The row that holds the number, while nobody can call it yet."""

    def __init__(self, hands: Hands, phone_id: str, body: PhoneNumberCreate) -> None:
        self._hands, self._phone_id, self._body = hands, phone_id, body

    async def do(self, session: AsyncSession, _: Results) -> str:
        body, hands = self._body, self._hands
        await agents.require(session, hands.workspace_id, agents_of(body))
        readable, sealed = config.stored(hands.ports.sealer, hands.workspace_id, self._phone_id, body.provider_config)
        values: dict[str, object] = {
            "id": self._phone_id,
            "phone_number": body.phone_number,
            "friendly_name": body.friendly_name,
            "provider": body.provider,
            "agent_id": str(body.agent_id),
            "status": PROVISIONING,
            "inbound_routing": routing_row(body.inbound_routing),
            "provider_config": readable,
            "sealed_config": sealed,
        }
        own = hands.own(session)
        if not await own.add(values):
            mine = await own.id_of(body.phone_number)
            if mine == self._phone_id:
                raise RegisteredMeanwhile("The same request has just registered the number: send it again.")
            raise taken(body.phone_number, mine)
        return self._phone_id

    async def find(self, session: AsyncSession, _: Results) -> str | None:
        phone = await self._hands.own(session).get(self._phone_id)
        return phone.id if phone else None

    async def undo(self, session: AsyncSession, _: str | None) -> None:
        await self._hands.own(session).forget(self._phone_id)


def taken(number: str, mine: str | None) -> PhoneNumberTaken:
    """The number has a registration: `mine` when it is this workspace's."""
    where = f" as {mine}" if mine else ""
    return PhoneNumberTaken(f"{number} is already registered{where}.")


class _Provisioning:
    """What the media plane is asked to make."""

    def __init__(self, hands: Hands, phone_id: str, body: PhoneNumberCreate) -> None:
        self._hands, self._phone_id, self._body = hands, phone_id, body

    async def inbound_trunk(self, _session: AsyncSession, _: Results) -> str:
        trunk = _inbound(self._hands, self._phone_id, self._body.phone_number, self._body.provider, self._config())
        return await self._hands.ports.trunks.create_inbound_trunk(trunk)

    async def outbound_trunk(self, _session: AsyncSession, _: Results) -> str:
        trunk = _outbound(self._hands, self._phone_id, self._body.phone_number, self._body.provider, self._config())
        return await self._hands.ports.trunks.create_outbound_trunk(trunk)

    async def dispatch_rule(self, _session: AsyncSession, results: Results) -> str:
        trunk_id = results["inbound_trunk"]
        assert trunk_id is not None
        rule = DispatchRule(
            marker=marker(self._phone_id, "dispatch_rule"),
            workspace_id=self._hands.workspace_id,
            trunk_id=trunk_id,
            phone_id=self._phone_id,
        )
        return await self._hands.ports.trunks.create_dispatch_rule(rule)

    def _config(self) -> TrunkConfig:
        return config.resolve(self._hands.ports, self._body.provider, self._body.provider_config)


class _Activating:
    """The number goes into service, with the ids of what serves it."""

    def __init__(self, hands: Hands, phone_id: str) -> None:
        self._hands, self._phone_id = hands, phone_id

    async def do(self, session: AsyncSession, results: Results) -> None:
        ids = {f"{kind}_id": results[kind] for kind in KINDS}
        now = self._hands.clock.now()
        await self._hands.own(session).change(self._phone_id, {**ids, "status": "active", "updated_at": now})


class _Changing:
    """A change of the number. Its row is written last, and until then says how things were."""

    def __init__(self, hands: Hands, phone_id: str, body: PhoneNumberUpdate) -> None:
        self._hands, self._phone_id, self._body = hands, phone_id, body

    async def check(self, session: AsyncSession, _: Results) -> None:
        phone = await required(self._hands, session, self._phone_id)
        await agents.require(session, self._hands.workspace_id, agents_of(self._body))
        if self._body.provider_config is not None:
            self._config(phone, new=True)

    async def inbound_trunk(self, session: AsyncSession, _: Results) -> str | None:
        return await self._inbound(session, new=True)

    async def undo_inbound_trunk(self, session: AsyncSession, _: str | None) -> None:
        await self._inbound(session, new=False)

    async def outbound_trunk(self, session: AsyncSession, _: Results) -> str | None:
        return await self._outbound(session, new=True)

    async def undo_outbound_trunk(self, session: AsyncSession, _: str | None) -> None:
        await self._outbound(session, new=False)

    async def change(self, session: AsyncSession, _: Results) -> None:
        body, hands = self._body, self._hands
        phone = await required(hands, session, self._phone_id, lock=True)
        if body.provider_config is not None:
            merged = config.merged(config.opened(hands.ports.sealer, phone), body.provider_config)
            kept = config.stored(hands.ports.sealer, hands.workspace_id, phone.id, merged)
            phone.provider_config, phone.sealed_config = kept
        if body.agent_id is not None:
            phone.agent_id = str(body.agent_id)
        if "friendly_name" in body.model_fields_set:
            phone.friendly_name = body.friendly_name
        if "inbound_routing" in body.model_fields_set:
            phone.inbound_routing = _merged_routing(phone, body.inbound_routing)
        if body.status is not None:
            phone.status = body.status
        phone.updated_at = hands.clock.now()
        await session.flush()

    async def _inbound(self, session: AsyncSession, *, new: bool) -> str | None:
        phone = await required(self._hands, session, self._phone_id)
        if phone.inbound_trunk_id is not None:
            trunk = _inbound(self._hands, phone.id, phone.phone_number, phone.provider, self._config(phone, new=new))
            await self._hands.ports.trunks.update_inbound_trunk(phone.inbound_trunk_id, trunk)
        return phone.inbound_trunk_id

    async def _outbound(self, session: AsyncSession, *, new: bool) -> str | None:
        phone = await required(self._hands, session, self._phone_id)
        if phone.outbound_trunk_id is not None:
            trunk = _outbound(self._hands, phone.id, phone.phone_number, phone.provider, self._config(phone, new=new))
            await self._hands.ports.trunks.update_outbound_trunk(phone.outbound_trunk_id, trunk)
        return phone.outbound_trunk_id

    def _config(self, phone: PhoneNumber, *, new: bool) -> TrunkConfig:
        ports, change = self._hands.ports, self._body.provider_config
        stored = config.opened(ports.sealer, phone)
        wanted = config.merged(stored, change) if new and change is not None else stored
        return config.resolve(ports, phone.provider, wanted)


class _Withdrawing:
    """The number goes out of service, and at last away."""

    def __init__(self, hands: Hands, phone_id: str) -> None:
        self._hands, self._phone_id = hands, phone_id

    async def withdraw(self, session: AsyncSession, _: Results) -> str:
        await required(self._hands, session, self._phone_id, lock=True)
        now = self._hands.clock.now()
        await self._hands.own(session).change(self._phone_id, {"status": "inactive", "updated_at": now})
        return self._phone_id

    async def forget(self, session: AsyncSession, _: Results) -> None:
        now = self._hands.clock.now()
        gone: dict[str, object] = {"deleted_at": now, "updated_at": now, "sealed_config": {}}
        await self._hands.own(session).change(self._phone_id, gone)


class _GivingUp:
    """What could neither be finished nor undone is said on the number itself."""

    def __init__(self, hands: Hands, phone_id: str) -> None:
        self._hands, self._phone_id = hands, phone_id

    async def do(self, session: AsyncSession, _: Results) -> None:
        now = self._hands.clock.now()
        await self._hands.own(session).change(self._phone_id, {"status": "failed", "updated_at": now})


class _OnPlane:
    """Finding and removing one thing on the media plane."""

    def __init__(self, hands: Hands, kind: Kind, phone_id: str) -> None:
        self._trunks, self._kind, self._marker = hands.ports.trunks, kind, marker(phone_id, kind)

    async def find(self, _session: AsyncSession, _: Results) -> str | None:
        return await self._trunks.find(self._kind, self._marker)

    async def undo(self, _session: AsyncSession, external_id: str | None) -> None:
        if external_id is not None:
            await self._trunks.remove(self._kind, external_id)

    async def remove(self, session: AsyncSession, results: Results) -> str | None:
        external_id = await self.find(session, results)
        await self.undo(session, external_id)
        return external_id


def _on_plane(hands: Hands, kind: Kind, phone_id: str) -> tuple[Deed, Undoing]:
    thing = _OnPlane(hands, kind, phone_id)
    return thing.find, thing.undo


def marker(phone_id: str, kind: Kind) -> str:
    return f"{phone_id}:{kind}"


async def required(hands: Hands, session: AsyncSession, phone_id: str, *, lock: bool = False) -> PhoneNumber:
    """One number of the workspace; raises PhoneNumberNotFound."""
    phone = await hands.own(session).get(phone_id, lock=lock)
    if phone is None:
        raise PhoneNumberNotFound(f"There is no phone number {phone_id} in this workspace.")
    return phone


def _merged_routing(phone: PhoneNumber, change: InboundRoutingUpdate | None) -> dict[str, object] | None:
    if change is None:
        return None
    stored = phone.inbound_routing or {"agent_id": phone.agent_id}
    given = {name: getattr(change, name) for name in change.model_fields_set}
    if change.agent_id is None:
        given.pop("agent_id", None)
    return routing_row(InboundRouting.model_validate(stored | given))


def _inbound(hands: Hands, phone_id: str, number: str, provider: str, made_of: TrunkConfig) -> InboundTrunk:
    return InboundTrunk(
        marker=marker(phone_id, "inbound_trunk"),
        workspace_id=hands.workspace_id,
        number=number,
        provider=provider,
        allowed_addresses=made_of.sources,
        auth_username=made_of.inbound_username,
        auth_password=made_of.inbound_password,
    )


def _outbound(hands: Hands, phone_id: str, number: str, provider: str, made_of: TrunkConfig) -> OutboundTrunk:
    return OutboundTrunk(
        marker=marker(phone_id, "outbound_trunk"),
        workspace_id=hands.workspace_id,
        number=number,
        provider=provider,
        address=made_of.address,
        auth_username=made_of.username,
        auth_password=made_of.password,
    )
