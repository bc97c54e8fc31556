"""Phone numbers: registered with their trunks and dispatch rule, changed, released, and found by the edge."""

from collections.abc import Collection, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.agents import service as agents
from oneinbox.features.context import Context
from oneinbox.features.phone_numbers import repository, steps
from oneinbox.features.phone_numbers.errors import IntegrationNotFound, PhoneNumberNotFound
from oneinbox.features.phone_numbers.models import PhoneNumber
from oneinbox.features.phone_numbers.repository import PhoneNumberRepository
from oneinbox.features.phone_numbers.schemas import (
    InboundRouting,
    InboundRoutingUpdate,
    Line,
    PhoneNumberCreate,
    PhoneNumberResponse,
    PhoneNumberUpdate,
    Released,
)
from oneinbox.features.trunks import service as trunks
from oneinbox.features.trunks.schemas import Entrance
from oneinbox.kit.ids import new_id
from oneinbox.kit.paging import Page

NOBODY = Entrance(sources=(), wants_digest=False)


async def register(ctx: Context, body: PhoneNumberCreate) -> PhoneNumber:
    """Register a number: when this returns, its trunks and its rule exist.

    Raises SipTrunkProvisionFailed, InvalidField, AgentNotFound, PhoneNumberTaken, and what the media plane raises;
    then nothing of it is left.
    """
    if body.credential_id is not None:
        raise IntegrationNotFound(f"There is no integration {body.credential_id} in this workspace.")
    phone_id = new_id()
    config = steps.resolve(ctx, body)
    await ctx.ports.steps.run("register", ctx.workspace_id, phone_id, steps.registering(ctx, phone_id, body, config))
    return await get(ctx, phone_id)


async def list_phone_numbers(ctx: Context, limit: int, offset: int) -> Page[PhoneNumber]:
    """The workspace's numbers, newest first."""
    rows, total = await _own(ctx).page(limit, offset)
    return Page(rows, total)


async def get(ctx: Context, phone_id: str, *, lock: bool = False) -> PhoneNumber:
    """One number; raises PhoneNumberNotFound."""
    phone = await _own(ctx).get(phone_id, lock=lock)
    if phone is None:
        raise PhoneNumberNotFound(f"There is no phone number {phone_id} in this workspace.")
    return phone


async def update(ctx: Context, phone_id: str, body: PhoneNumberUpdate) -> PhoneNumber:
    """Change what is given; the routing is merged into what is stored. Raises PhoneNumberNotFound, AgentNotFound."""
    phone = await get(ctx, phone_id, lock=True)
    given = body.model_fields_set
    if body.agent_id is not None:
        phone.agent_id = str(body.agent_id)
    if "friendly_name" in given:
        phone.friendly_name = body.friendly_name
    if "inbound_routing" in given:
        phone.inbound_routing = _merged(phone, body.inbound_routing)
    if body.status is not None:
        phone.status = body.status
    await agents.require(ctx.session, ctx.workspace_id, _named_by(body))
    phone.updated_at = ctx.clock.now()
    await ctx.session.flush()
    return phone


async def delete(ctx: Context, phone_id: str) -> None:
    """Release the rule and the trunks, then the number; its calls keep their history. Raises PhoneNumberNotFound."""
    await ctx.ports.steps.run("delete", ctx.workspace_id, phone_id, steps.releasing(ctx, phone_id))


async def find_lines(session: AsyncSession, spellings: Collection[str]) -> Sequence[Line]:
    """Live registrations of these +E.164 numbers, whoever's they are."""
    return await _lines(session, await repository.live(session, spellings))


async def find_near(session: AsyncSession, spellings: Collection[str], number: str, most: int = 50) -> Sequence[Line]:
    """Live registrations of these +E.164 numbers, and those that stand next to `number` in order."""
    near = [*await repository.live(session, spellings), *await repository.neighbours(session, number, most)]
    return await _lines(session, list({phone.id: phone for phone in near}.values()))


async def released(session: AsyncSession, spellings: Collection[str]) -> Released | None:
    """The registration of one of these numbers that was deleted last, if there is one."""
    phone = await repository.released(session, spellings)
    return Released(phone.phone_number, phone.deleted_at) if phone and phone.deleted_at else None


async def several_owners(session: AsyncSession) -> bool:
    """Do numbers of more than one workspace live in this deployment?"""
    return len(await repository.owners(session)) > 1


async def _lines(session: AsyncSession, phones: Sequence[PhoneNumber]) -> Sequence[Line]:
    entrances = await trunks.entrances(session, [phone.id for phone in phones])
    return [_line(phone, entrances.get(phone.id, NOBODY)) for phone in phones]


def to_response(phone: PhoneNumber) -> PhoneNumberResponse:
    """The number as the API shows it; nothing of its provider configuration."""
    stored = {name: getattr(phone, name) for name in PhoneNumberResponse.model_fields}
    return PhoneNumberResponse.model_validate(stored)


def _own(ctx: Context) -> PhoneNumberRepository:
    return PhoneNumberRepository(ctx.session, ctx.workspace_id)


def _routing(phone: PhoneNumber) -> InboundRouting | None:
    return None if phone.inbound_routing is None else InboundRouting.model_validate(phone.inbound_routing)


def _merged(phone: PhoneNumber, change: InboundRoutingUpdate | None) -> dict[str, object] | None:
    if change is None:
        return None
    stored = phone.inbound_routing or {"agent_id": phone.agent_id}
    given = {name: getattr(change, name) for name in change.model_fields_set}
    if change.agent_id is None:
        given.pop("agent_id", None)
    return steps.routing_row(InboundRouting.model_validate(stored | given))


def _named_by(body: PhoneNumberUpdate) -> list[str]:
    routing = body.inbound_routing
    named = [body.agent_id, routing and routing.agent_id, routing and routing.fallback and routing.fallback.agent_id]
    return [str(agent_id) for agent_id in named if agent_id]


def _line(phone: PhoneNumber, entrance: Entrance) -> Line:
    routing = _routing(phone)
    fallback = routing.fallback if routing else None
    return Line(
        phone_id=phone.id,
        number=phone.phone_number,
        workspace_id=phone.workspace_id,
        status=phone.status,
        agent_id=str(routing.agent_id) if routing else phone.agent_id,
        fallback_agent_id=str(fallback.agent_id) if fallback and fallback.agent_id else None,
        voicemail_message=routing.voicemail_message if routing else None,
        sources=entrance.sources,
        wants_digest=entrance.wants_digest,
    )
