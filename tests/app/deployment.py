"""A deployment's rows for tests of the processes: a workspace, agents, numbers with their trunks, voice workers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.contracts.admission import InviteFacts
from oneinbox.features.agents.models import Agent
from oneinbox.features.attempts.models import AttemptRow
from oneinbox.features.calls.models import Call, CallEventRow
from oneinbox.features.llm_models.models import LlmModel
from oneinbox.features.phone_numbers.models import PhoneNumber
from oneinbox.features.trunks.models import DispatchRuleRow, InboundTrunkRow
from oneinbox.features.workers import service as workers
from oneinbox.features.workers.models import Worker
from oneinbox.features.workers.schemas import Registration
from oneinbox.features.workspaces import service as workspaces
from oneinbox.kit.db import Database
from oneinbox.kit.ids import new_id

NUMBER = "+15551234567"
CARRIER = "203.0.113.7"
SOURCES = ("203.0.113.0/24",)
NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class FixedClock:
    """Always the same moment."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return 0.0


def facts(dialled: str = NUMBER, source: str = CARRIER, caller: str | None = "+15550105678") -> InviteFacts:
    """An INVITE of its own."""
    return InviteFacts(source, 5060, dialled, caller, sip_call_id=new_id(), user_agent="carrier/1.0")


@dataclass(frozen=True)
class AgentRow:
    """What a test wants to be special about an agent."""

    name: str = "Shop"
    status: str = "active"
    deleted: bool = False
    prompt: str = "You are the shop's agent."
    first_message: str | None = "Hello, this is the shop."
    variables: dict[str, object] = field(default_factory=dict)
    provider: str = "scripted"
    language: str = "en"
    stt_model: str = "default"
    enable_recording: bool = False


async def add_agent(session: AsyncSession, row: AgentRow, workspace: str = "default") -> str:
    """An agent with a model of its own; its id."""
    workspace_id = await workspaces.ensure(session, workspace)
    model = LlmModel(
        id=new_id(),
        workspace_id=workspace_id,
        name=row.name,
        provider=row.provider,
        model="default",
        system_prompt=row.prompt,
        temperature=0.7,
    )
    session.add(model)
    await session.flush()
    agent = Agent(
        id=new_id(),
        workspace_id=workspace_id,
        name=row.name,
        status=row.status,
        llm_id=None if row.deleted else model.id,
        transcriber={"provider": row.provider, "model": row.stt_model, "language": row.language},
        tts={"provider": row.provider, "credential_id": None, "voice_id": None, "speed": 1.0, "stability": 0.5},
        first_message=row.first_message,
        end_call_phrases=["goodbye"],
        max_duration_seconds=600,
        interruption_sensitivity=0.5,
        silence_timeout_seconds=10,
        enable_recording=row.enable_recording,
        language=row.language,
        dynamic_variables=row.variables,
        voicemail_detection=False,
        voicemail_message=None,
        responsiveness=0.5,
        speed=1.0,
        background_sound=None,
        emotions=False,
        job_description=None,
        agent_metadata={},
        deleted_at=NOW if row.deleted else None,
    )
    session.add(agent)
    await session.flush()
    return agent.id


@dataclass(frozen=True)
class NumberRow:
    """What a test wants to be special about a number."""

    number: str = NUMBER
    status: str = "active"
    sources: tuple[str, ...] = SOURCES
    fallback_agent_id: str | None = None
    voicemail_message: str | None = None
    inbound_username: str | None = None


async def add_number(session: AsyncSession, agent_id: str, row: NumberRow | None = None) -> str:
    """A registered number with its inbound trunk and rule; its id."""
    row = row or NumberRow()
    agent = await session.get_one(Agent, agent_id)
    phone_id = new_id()
    trunk = InboundTrunkRow(
        id=f"ST_{phone_id}",
        marker=phone_id,
        workspace_id=agent.workspace_id,
        number=row.number,
        provider="telnyx",
        allowed_addresses=list(row.sources),
        auth_username=row.inbound_username,
    )
    routing: dict[str, object] = {"agent_id": agent_id, "voicemail_message": row.voicemail_message}
    if row.fallback_agent_id:
        routing["fallback"] = {"agent_id": row.fallback_agent_id}
    phone = PhoneNumber(
        id=phone_id,
        workspace_id=agent.workspace_id,
        phone_number=row.number,
        provider="telnyx",
        agent_id=agent_id,
        status=row.status,
        inbound_trunk_id=trunk.id,
        inbound_routing=routing,
        provider_config={},
        sealed_config={},
    )
    session.add_all((trunk, phone))
    await session.flush()
    rule = DispatchRuleRow(
        id=f"SDR_{phone_id}",
        marker=phone_id,
        workspace_id=agent.workspace_id,
        trunk_id=trunk.id,
        phone_id=phone_id,
    )
    session.add(rule)
    await session.flush()
    return phone_id


async def add_worker(session: AsyncSession, capacity: int = 10, port: int = 5100, worker_id: str | None = None) -> str:
    """A beating voice worker; its id."""
    worker_id = worker_id or new_id()
    await workers.register(session, Registration(worker_id, "127.0.0.1", port, capacity, pid=1))
    return worker_id


async def silence_worker(session: AsyncSession, worker_id: str) -> None:
    """As if it had not beaten for a minute."""
    long_ago = Worker.heartbeat_at - workers.STALE_AFTER * 10
    await session.execute(update(Worker).where(Worker.id == worker_id).values(heartbeat_at=long_ago))


async def the_call(database: Database, call_id: str) -> Call:
    """A call's row."""
    async with database.transaction() as session:
        return await session.get_one(Call, call_id)


async def the_worker(database: Database, worker_id: str) -> Worker:
    """A worker's row."""
    async with database.transaction() as session:
        return await session.get_one(Worker, worker_id)


async def the_attempts(database: Database) -> list[AttemptRow]:
    """All attempts, in order."""
    async with database.transaction() as session:
        return list((await session.scalars(select(AttemptRow).order_by(AttemptRow.id))).all())


async def the_events(database: Database, call_id: str) -> list[str]:
    """The types of a call's events, in order."""
    async with database.transaction() as session:
        types = select(CallEventRow.type).where(CallEventRow.call_id == call_id).order_by(CallEventRow.seq)
        return list((await session.scalars(types)).all())
