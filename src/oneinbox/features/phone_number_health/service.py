"""Looks at everything between a caller and the voice that answers, in the order in which a call meets it."""

from collections.abc import Mapping

from oneinbox.contracts.admission import Cause
from oneinbox.features.agents import service as agents
from oneinbox.features.agents.schemas import AgentSnapshot
from oneinbox.features.attempts import service as attempts
from oneinbox.features.attempts.schemas import AttemptResponse
from oneinbox.features.calls import service as calls
from oneinbox.features.context import Context
from oneinbox.features.phone_number_health.schemas import HealthCheck, PhoneNumberHealthResponse, Who
from oneinbox.features.phone_numbers import service as phone_numbers
from oneinbox.features.phone_numbers.schemas import Route
from oneinbox.features.workers import service as workers
from oneinbox.kit.errors import ProviderError

STATUSES: Mapping[str, tuple[Who, str, str]] = {
    "inactive": ("you", "The number is switched off.", 'Switch it on: PATCH it with {"status": "active"}.'),
    "provisioning": ("us", "The registration has not ended.", "Wait half a minute; then look at its operations."),
    "failed": ("us", "A change could neither be finished nor undone.", "Look at the number's operations."),
}
REFUSALS: Mapping[str, tuple[Who, str]] = {
    Cause.SOURCE_NOT_ALLOWED: ("you", "If that source is yours, add it to provider_config.allowed_addresses."),
    Cause.WRONG_PASSWORD: ("your carrier", "Give the carrier's side inbound_username and inbound_password."),
    Cause.NO_SUCH_NUMBER: ("your carrier", "Let it send the number as it is registered, or register that one."),
    Cause.AMBIGUOUS_NUMBER: ("your carrier", "Let the carrier send numbers in the form +E.164."),
    Cause.MEDIA_REFUSED: ("your carrier", "Let the carrier offer PCMU or PCMA."),
    Cause.MALFORMED: ("your carrier", "Show the carrier the attempt's ladder."),
    Cause.NO_AGENT: ("you", "Give the number an agent that is there, a fallback or a voicemail_message."),
    Cause.PAUSED: ("you", "Switch the number and its agent on."),
    Cause.LIMIT: ("us", "Raise the limit, or wait: too many calls came at once."),
    Cause.OVERLOAD: ("us", "Add voice workers or raise ONEINBOX_VOICE_CAPACITY."),
    Cause.WORKER_GONE: ("us", "Look at the log of the voice workers."),
    Cause.UNAVAILABLE: ("us", "Look at the log of the edge and at the database."),
}
"""Who can do something about the cause of a refusal; a cause that isn't here calls for nothing."""


async def look(ctx: Context, phone_id: str) -> PhoneNumberHealthResponse:
    """The health of one number; raises PhoneNumberNotFound."""
    phone = await phone_numbers.get(ctx, phone_id)
    route = phone_numbers.route_of(phone)
    agent_checks = await _agents(ctx, route)
    able = [agent_id for agent_id, check in zip(route.agents, agent_checks, strict=True) if check.ok]
    status = phone_numbers.status_of(phone, able)
    last = (await attempts.of_number(ctx.session, ctx.workspace_id, phone_id, 1, 0)).items
    attempt = last[0] if last else None
    return PhoneNumberHealthResponse(
        phone_id=phone.id,
        phone_number=phone.phone_number,
        status=status,
        answered_by="nobody" if status in STATUSES else route.answered_by(able),
        checks=[
            _status(status),
            *await _trunks(ctx, phone.id),
            *agent_checks,
            await _workers(ctx),
            _attempt(attempt),
        ],
        last_attempt=attempt,
        last_inbound_call_at=await calls.last_inbound_at(ctx.session, ctx.workspace_id, phone_id),
    )


def _status(status: str) -> HealthCheck:
    if status in STATUSES:
        who, cause, fix = STATUSES[status]
        return _bad("status", who, cause, fix)
    return HealthCheck(name="status", ok=True)


async def _trunks(ctx: Context, phone_id: str) -> list[HealthCheck]:
    """What the media plane has, by what it says itself."""
    again = "Delete the number and register it again."
    try:
        there = await phone_numbers.provisioned(ctx, phone_id)
    except ProviderError as error:
        return [_bad("media_plane", "us", str(error), "Look at the log of the API and at the media plane.")]
    return [
        HealthCheck(name=name, ok=True) if ok else _bad(name, "us", f"The {name.replace('_', ' ')} is gone.", again)
        for name, ok in there.items()
    ]


async def _agents(ctx: Context, route: Route) -> list[HealthCheck]:
    """For each agent of the route, in order: is it there, switched on, and can its providers be reached?"""
    known = await agents.snapshots(ctx.session, ctx.workspace_id, route.agents)
    reachable = ctx.ports.defaults.reachable
    names = ("agent", "fallback_agent")
    return [_agent(name, one, known.get(one), reachable) for name, one in zip(names, route.agents, strict=False)]


def _agent(
    name: str, agent_id: str, agent: AgentSnapshot | None, reachable: Mapping[str, frozenset[str]]
) -> HealthCheck:
    if agent is None:
        return _bad(name, "you", f"Agent {agent_id} was deleted.", "Give the number another agent.")
    if agent.paused:
        return _bad(name, "you", f"Agent {agent_id} is paused.", 'PATCH the agent with {"status": "active"}.')
    if missing := agents.out_of_reach(agent.providers, reachable):
        there = ", ".join(sorted(reachable[missing]))
        fix = f"Use a provider that this deployment has ({there}), or let it be configured."
        return _bad(name, "you", f"Its {missing} provider can't be reached from here.", fix)
    return HealthCheck(name=name, ok=True)


async def _workers(ctx: Context) -> HealthCheck:
    if await workers.count_ready(ctx.session):
        return HealthCheck(name="voice_workers", ok=True)
    return _bad("voice_workers", "us", "No voice worker is ready.", "Start `oneinbox up`, or look at its log.")


def _attempt(last: AttemptResponse | None) -> HealthCheck:
    if last is None:
        fix = "Point the carrier's trunk for this number to ONEINBOX_SIP_LISTEN of this machine, and call it."
        return _bad("last_attempt", "your carrier", "No call has come for this number yet.", fix)
    if last.cause not in REFUSALS:
        return HealthCheck(name="last_attempt", ok=True)
    who, fix = REFUSALS[last.cause]
    return _bad("last_attempt", who, f"The last call was refused: {last.reason}", fix)


def _bad(name: str, who: Who, cause: str, fix: str) -> HealthCheck:
    return HealthCheck(name=name, ok=False, cause=cause, who=who, fix=fix)
