"""Looks at everything between a caller and the voice that answers, in the order in which a call meets it."""

from collections.abc import Mapping
from dataclasses import dataclass

from oneinbox.contracts.admission import Cause
from oneinbox.features.agents import service as agents
from oneinbox.features.agents.schemas import AgentSnapshot
from oneinbox.features.attempts import service as attempts
from oneinbox.features.attempts.schemas import AttemptResponse
from oneinbox.features.calls import service as calls
from oneinbox.features.context import Context
from oneinbox.features.phone_number_health.schemas import AnsweredBy, HealthCheck, PhoneNumberHealthResponse, Who
from oneinbox.features.phone_numbers import service as phone_numbers
from oneinbox.features.phone_numbers.schemas import Line, PhoneNumberResponse
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


@dataclass(frozen=True, slots=True)
class _Chain:
    """Who is to answer: the agents that the number names, those of them that are there, and its message."""

    line: Line
    known: Mapping[str, AgentSnapshot]
    reachable: Mapping[str, frozenset[str]]

    @property
    def answered_by(self) -> AnsweredBy:
        if self.line.status not in ("active", "degraded"):
            return "nobody"
        if self._serves(self.line.agent_id):
            return "agent"
        if self.line.fallback_agent_id and self._serves(self.line.fallback_agent_id):
            return "fallback_agent"
        return "voicemail" if self.line.voicemail_message else "nobody"

    def check(self, name: str, agent_id: str) -> HealthCheck:
        """Is this agent there, switched on, and can its models be reached?"""
        agent = self.known.get(agent_id)
        if agent is None:
            return _bad(name, "you", f"Agent {agent_id} was deleted.", "Give the number another agent.")
        if agent.paused:
            return _bad(name, "you", f"Agent {agent_id} is paused.", 'PATCH the agent with {"status": "active"}.')
        if missing := agents.out_of_reach(agent, self.reachable):
            there = ", ".join(sorted(self.reachable[missing]))
            fix = f"Use a provider that this deployment has ({there}), or let it be configured."
            return _bad(name, "you", f"Its {missing} provider can't be reached from here.", fix)
        return HealthCheck(name=name, ok=True)

    def _serves(self, agent_id: str) -> bool:
        return self.check("", agent_id).ok


async def look(ctx: Context, phone_id: str) -> PhoneNumberHealthResponse:
    """The health of one number; raises PhoneNumberNotFound."""
    row = await phone_numbers.get(ctx, phone_id)
    (phone,) = await phone_numbers.shown(ctx, [row])
    line = await phone_numbers.line_of(ctx.session, row)
    named = [agent_id for agent_id in (line.agent_id, line.fallback_agent_id) if agent_id]
    known = await agents.snapshots(ctx.session, ctx.workspace_id, named)
    chain = _Chain(line, known, ctx.ports.defaults.reachable)
    last = (await attempts.of_number(ctx.session, ctx.workspace_id, phone_id, 1, 0)).items
    attempt = last[0] if last else None
    checks = [_status(phone), *await _trunks(ctx, phone), *_agents(chain), await _workers(ctx), _attempt(attempt)]
    return PhoneNumberHealthResponse(
        phone_id=phone.id,
        phone_number=phone.phone_number,
        status=phone.status,
        answered_by=chain.answered_by,
        checks=checks,
        last_attempt=attempt,
        last_inbound_call_at=await calls.last_inbound_at(ctx.session, ctx.workspace_id, phone_id),
    )


def _status(phone: PhoneNumberResponse) -> HealthCheck:
    if phone.status in STATUSES:
        who, cause, fix = STATUSES[phone.status]
        return _bad("status", who, cause, fix)
    return HealthCheck(name="status", ok=True)


async def _trunks(ctx: Context, phone: PhoneNumberResponse) -> list[HealthCheck]:
    """What the media plane has, by what it says itself."""
    again = "Delete the number and register it again."
    try:
        there = await phone_numbers.provisioned(ctx, phone.id)
    except ProviderError as error:
        return [_bad("media_plane", "us", str(error), "Look at the log of the API and at the media plane.")]
    return [
        HealthCheck(name=name, ok=True) if ok else _bad(name, "us", f"The {name.replace('_', ' ')} is gone.", again)
        for name, ok in there.items()
    ]


def _agents(chain: _Chain) -> list[HealthCheck]:
    checks = [chain.check("agent", chain.line.agent_id)]
    if chain.line.fallback_agent_id:
        checks.append(chain.check("fallback_agent", chain.line.fallback_agent_id))
    return checks


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
