"""Phone numbers: registered with their trunks and dispatch rule, changed, released, and found by the edge."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.agents import service as agents
from oneinbox.features.context import Context, Ports
from oneinbox.features.llm_models.errors import IntegrationNotFound
from oneinbox.features.operations import service as operations
from oneinbox.features.operations.schemas import OperationResponse
from oneinbox.features.phone_numbers import config, repository, steps
from oneinbox.features.phone_numbers.models import PhoneNumber
from oneinbox.features.phone_numbers.repository import PhoneNumberRepository
from oneinbox.features.phone_numbers.schemas import (
    InboundRouting,
    Line,
    PhoneNumberCreate,
    PhoneNumberResponse,
    PhoneNumberUpdate,
    Released,
    Route,
)
from oneinbox.features.trunks import service as trunks
from oneinbox.features.trunks.schemas import Entrance, Kind
from oneinbox.kit.clock import Clock
from oneinbox.kit.ids import new_id
from oneinbox.kit.paging import Page
from oneinbox.kit.steps import Work

ACTIVE, DEGRADED = "active", "degraded"
NOBODY = Entrance(sources=(), wants_digest=False)
NO_ID = "00000000-0000-0000-0000-000000000000"


async def register(ctx: Context, body: PhoneNumberCreate) -> PhoneNumber:
    """Register a number: when this returns, its trunks and its rule exist.

    Raises SipTrunkProvisionFailed, InvalidField, AgentNotFound, PhoneNumberTaken, and what the media plane raises;
    then nothing of it is left, or what is left is taken away as soon as the media plane allows it.
    """
    _refuse_integration(body)
    config.resolve(ctx.ports, body.provider, body.provider_config)
    phone_id = ctx.made_id or new_id()
    if ctx.again and await _came_about(ctx, phone_id):
        return await get(ctx, phone_id)
    await _run(ctx, steps.registering(_hands(ctx), phone_id, body))
    return await get(ctx, phone_id)


async def rehearse(ctx: Context, body: PhoneNumberCreate) -> PhoneNumberResponse:
    """What `register` would answer, without writing anything: every check is run, and the media plane is asked.

    The id is NO_ID, the status `provisioning`, and there are no trunks and no rule. Raises what `register` raises.
    """
    _refuse_integration(body)
    config.resolve(ctx.ports, body.provider, body.provider_config)
    await ctx.ports.trunks.find("inbound_trunk", NO_ID)
    await agents.require(ctx.session, ctx.workspace_id, steps.agents_of(body))
    if await repository.live(ctx.session, [body.phone_number]):
        raise steps.taken(body.phone_number, await _own(ctx).id_of(body.phone_number))
    routing = steps.routing_row(body.inbound_routing)
    return PhoneNumberResponse(
        id=NO_ID,
        phone_number=body.phone_number,
        friendly_name=body.friendly_name,
        provider=body.provider,
        agent_id=str(body.agent_id),
        status=repository.PROVISIONING,
        inbound_trunk_id=None,
        outbound_trunk_id=None,
        dispatch_rule_id=None,
        inbound_routing=None if routing is None else InboundRouting.model_validate(routing),
        sms_capable=None,
        created_at=ctx.clock.now(),
        updated_at=ctx.clock.now(),
    )


async def list_phone_numbers(ctx: Context, limit: int, offset: int) -> Page[PhoneNumber]:
    """The workspace's numbers, newest first."""
    return await _own(ctx).page(limit, offset)


async def get(ctx: Context, phone_id: str) -> PhoneNumber:
    """One number; raises PhoneNumberNotFound."""
    return await steps.required(_hands(ctx), ctx.session, phone_id)


async def update(ctx: Context, phone_id: str, body: PhoneNumberUpdate) -> PhoneNumber:
    """Change what is given; routing and SIP configuration are merged into what is stored.

    Raises PhoneNumberNotFound, AgentNotFound, SipTrunkProvisionFailed, InvalidField, and what the media plane raises;
    then everything is as it was, or will be as soon as the media plane allows it.
    """
    await _run(ctx, steps.updating(_hands(ctx), phone_id, body))
    return await get(ctx, phone_id)


async def delete(ctx: Context, phone_id: str) -> None:
    """Release the rule and the trunks, then the number; its calls keep their history.

    Raises PhoneNumberNotFound, and what the media plane raises; then the number is out of service, and its release
    goes on as soon as the media plane allows it.
    """
    await _run(ctx, steps.releasing(_hands(ctx), phone_id))


async def operations_of(ctx: Context, phone_id: str, limit: int, offset: int) -> Page[OperationResponse]:
    """What was done to the number, newest first; also after its end. Raises PhoneNumberNotFound when nothing was."""
    page = await operations.of_resource(ctx, phone_id, limit, offset)
    if page.total == 0:
        await get(ctx, phone_id)
    return page


def resumption(workspace_id: str, ports: Ports, clock: Clock, kind: str, phone_id: str, request: str | None) -> Work:
    """The work of an operation that another process has begun, from what was asked for.

    Without that it can only be given up. Raises ValidationError when this version doesn't understand what was asked.
    """
    return steps.remake(steps.Hands(workspace_id, ports, clock), kind, phone_id, request)


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


async def shown(ctx: Context, phones: Sequence[PhoneNumber]) -> list[PhoneNumberResponse]:
    """The numbers as the API shows them: an active one that nobody and no message would answer is `degraded`."""
    able = await agents.able(ctx, {agent_id for phone in phones for agent_id in route_of(phone).agents})
    return [to_response(phone, status_of(phone, able)) for phone in phones]


def status_of(phone: PhoneNumber, able: Collection[str]) -> str:
    """The number's status as it is shown, when these agents can answer."""
    unanswered = route_of(phone).answered_by(able) == "nobody"
    return DEGRADED if phone.status == ACTIVE and unanswered else phone.status


def route_of(phone: PhoneNumber) -> Route:
    """Who the number's calls are for: its own agent, unless its inbound routing says otherwise."""
    if phone.inbound_routing is None:
        return Route(phone.agent_id, None, None)
    routing = InboundRouting.model_validate(phone.inbound_routing)
    fallback = routing.fallback.agent_id if routing.fallback else None
    return Route(str(routing.agent_id), str(fallback) if fallback else None, routing.voicemail_message)


async def provisioned(ctx: Context, phone_id: str) -> dict[Kind, bool]:
    """Whether the media plane has the number's trunks and its rule. Raises what the media plane raises."""
    kinds: tuple[Kind, ...] = ("inbound_trunk", "outbound_trunk", "dispatch_rule")
    return {kind: await ctx.ports.trunks.find(kind, steps.marker(phone_id, kind)) is not None for kind in kinds}


def to_response(phone: PhoneNumber, status: str) -> PhoneNumberResponse:
    """The number with this status; nothing of its provider configuration."""
    stored = {name: getattr(phone, name) for name in PhoneNumberResponse.model_fields}
    return PhoneNumberResponse.model_validate(stored | {"status": status})


async def _came_about(ctx: Context, phone_id: str) -> bool:
    """Whether the request that is sent again has made its number, whatever has been done to that one since."""
    settled = await ctx.ports.steps.settle(phone_id)
    return settled or await _own(ctx).get(phone_id) is not None


async def _run(ctx: Context, work: Work) -> None:
    await ctx.ports.steps.run(replace(work, deed=ctx.deed, ended=ctx.ended))


def _hands(ctx: Context) -> steps.Hands:
    return steps.Hands(ctx.workspace_id, ctx.ports, ctx.clock)


def _refuse_integration(body: PhoneNumberCreate) -> None:
    if body.credential_id is not None:
        raise IntegrationNotFound(f"There is no integration {body.credential_id} in this workspace.")


def _own(ctx: Context) -> PhoneNumberRepository:
    return PhoneNumberRepository(ctx.session, ctx.workspace_id)


def _line(phone: PhoneNumber, entrance: Entrance) -> Line:
    return Line(
        phone_id=phone.id,
        number=phone.phone_number,
        workspace_id=phone.workspace_id,
        status=phone.status,
        route=route_of(phone),
        sources=entrance.sources,
        wants_digest=entrance.wants_digest,
    )
