"""Agents: who answers, how they speak and listen, and which model they think with."""

import json
from collections.abc import Collection, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.contracts.plan import SttChoice, TtsChoice
from oneinbox.features.agents.errors import AgentNotFound, VoiceNotFound, WebhookNotFound
from oneinbox.features.agents.models import Agent
from oneinbox.features.agents.repository import AgentRepository
from oneinbox.features.agents.schemas import (
    AgentCreate,
    AgentResponse,
    AgentSnapshot,
    AgentUpdate,
    TranscriberResponse,
    TTSResponse,
)
from oneinbox.features.context import Context
from oneinbox.features.llm_models import service as llm_models
from oneinbox.features.llm_models.errors import IntegrationNotFound
from oneinbox.features.llm_models.schemas import Mind
from oneinbox.kit.bodies import InvalidField
from oneinbox.kit.ids import new_id
from oneinbox.kit.paging import Page

SLOWEST, FASTEST = 0.5, 2.0
OFFLINE = "builtin"
NEW_TRANSCRIBER = {"provider": OFFLINE, "model": "default"}
NEW_TTS = {"provider": OFFLINE, "credential_id": None, "voice_id": None, "speed": 1.0, "stability": 0.5}
NULLABLE = frozenset({"first_message", "voicemail_message", "background_sound", "job_description"})
NOT_COLUMNS = frozenset({"llm_id", "webhook_id", "transcriber", "tts", "metadata"})


async def create(ctx: Context, body: AgentCreate) -> Agent:
    """A new agent; without `llm_id` it gets a model of its own. Raises InvalidField and NotFound kin."""
    _refuse_webhook(body)
    transcriber = _transcriber(ctx, NEW_TRANSCRIBER | {"language": body.language}, body)
    tts = _tts(ctx, NEW_TTS, body)
    if body.llm_id is None:
        llm_id = (await llm_models.create_default(ctx, body.name)).id
    else:
        llm_id = (await llm_models.get(ctx, str(body.llm_id))).id
    agent = Agent(
        id=new_id(),
        llm_id=llm_id,
        transcriber=transcriber,
        tts=tts,
        agent_metadata=body.metadata,
        **body.model_dump(exclude=set(NOT_COLUMNS)),
    )
    await _own(ctx).add(agent)
    return agent


async def list_agents(ctx: Context, limit: int, offset: int) -> Page[Agent]:
    """The workspace's agents, newest first."""
    return await _own(ctx).page(limit, offset)


async def shown(ctx: Context, agent_id: str) -> AgentResponse:
    """One agent as the API shows it, with the prompt that its calls begin with; raises AgentNotFound."""
    for agent, mind in await _own(ctx).with_minds([agent_id]):
        return to_response(agent, _with_role(agent.job_description, mind.system_prompt) if mind else None)
    raise _not_found(agent_id)


async def update(ctx: Context, agent_id: str, body: AgentUpdate) -> None:
    """Change what is given; `transcriber` and `tts` are merged into what is stored.

    Null clears what may be empty (messages, job description, background sound) and changes nothing elsewhere.
    """
    _refuse_webhook(body)
    agent = await _locked(ctx, agent_id)
    if body.llm_id is not None:
        agent.llm_id = (await llm_models.get(ctx, str(body.llm_id))).id
    heard = agent.transcriber
    if body.language is not None and heard["language"] == agent.language:
        heard = heard | {"language": body.language}
    agent.transcriber, agent.tts = _transcriber(ctx, heard, body), _tts(ctx, agent.tts, body)
    for name, value in body.model_dump(exclude_unset=True, exclude=set(NOT_COLUMNS)).items():
        if value is not None or name in NULLABLE:
            setattr(agent, name, value)
    if body.metadata is not None:
        agent.agent_metadata = body.metadata
    agent.updated_at = ctx.clock.now()
    await ctx.session.flush()


async def delete(ctx: Context, agent_id: str) -> None:
    """Take the agent away; numbers that point to it use their fallback. Its model stays and may be deleted."""
    agent = await _locked(ctx, agent_id)
    agent.deleted_at = agent.updated_at = ctx.clock.now()
    agent.llm_id = None
    await ctx.session.flush()


async def require(session: AsyncSession, workspace_id: str, ids: Collection[str]) -> None:
    """Raises AgentNotFound for the first of these that the workspace doesn't have."""
    known = await AgentRepository(session, workspace_id).known(ids)
    for agent_id in ids:
        if agent_id not in known:
            raise _not_found(agent_id)


async def able(ctx: Context, ids: Collection[str]) -> frozenset[str]:
    """Those of these agents that are there, switched on, and have providers that this deployment can reach."""
    found, reachable = await _own(ctx).providers(ids), ctx.ports.defaults.reachable
    return frozenset(agent_id for agent_id, providers in found.items() if not out_of_reach(providers, reachable))


def out_of_reach(providers: Mapping[str, str | None], reachable: Mapping[str, frozenset[str]]) -> str | None:
    """The first of an agent's parts whose provider can't be reached: `llm`, `transcriber` or `tts`."""
    return next((part for part, provider in providers.items() if provider not in reachable[part]), None)


async def snapshots(session: AsyncSession, workspace_id: str, ids: Collection[str]) -> dict[str, AgentSnapshot]:
    """These agents as they stand now, by id; those that are deleted or unknown are missing."""
    agents = await AgentRepository(session, workspace_id).with_minds(ids)
    return {agent.id: _snapshot(agent, mind) for agent, mind in agents if mind is not None}


def to_response(agent: Agent, effective: str | None = None) -> AgentResponse:
    """The agent as the API shows it."""
    stored = {name: getattr(agent, name) for name in AgentResponse.model_fields if hasattr(agent, name)}
    added = {"metadata": agent.agent_metadata, "webhook_id": None, "effective_system_prompt": effective}
    return AgentResponse.model_validate(stored | added)


def _own(ctx: Context) -> AgentRepository:
    return AgentRepository(ctx.session, ctx.workspace_id)


async def _locked(ctx: Context, agent_id: str) -> Agent:
    agent = await _own(ctx).lock(agent_id)
    if agent is None:
        raise _not_found(agent_id)
    return agent


def _not_found(agent_id: str) -> AgentNotFound:
    return AgentNotFound(f"There is no agent {agent_id} in this workspace.")


def _refuse_webhook(body: AgentCreate | AgentUpdate) -> None:
    if body.webhook_id is not None:
        raise WebhookNotFound(f"There is no webhook {body.webhook_id} in this workspace.")


def _transcriber(ctx: Context, stored: Mapping[str, object], body: AgentCreate | AgentUpdate) -> dict[str, object]:
    given = body.transcriber.model_dump(exclude_none=True) if body.transcriber else {}
    merged = {**stored, **given}
    _check_provider(ctx, "transcriber", merged["provider"])
    if merged["provider"] in ctx.ports.defaults.english_only and not _is_english(str(merged["language"])):
        place = ("body", "transcriber", "language") if "language" in given else ("body", "language")
        raise InvalidField(place, f"The {merged['provider']} recogniser and voice speak English only: en, en-US, …")
    return merged


def _tts(ctx: Context, stored: Mapping[str, object], body: AgentCreate | AgentUpdate) -> dict[str, object]:
    given = body.tts.model_dump(exclude_none=True, mode="json") if body.tts else {}
    merged = {**stored, **given}
    _check_provider(ctx, "tts", merged["provider"])
    if "credential_id" in given:
        raise IntegrationNotFound(f"There is no integration {given['credential_id']} in this workspace.")
    if "voice_id" in given:
        raise VoiceNotFound("There is no voice of that id; without `voice_id` the provider's default voice speaks.")
    return merged


def _check_provider(ctx: Context, part: str, provider: object) -> None:
    if provider in ctx.ports.defaults.switched_off:
        raise InvalidField(("body", part, "provider"), f"The provider {provider} is for tests, and switched off here")


def _is_english(language: str) -> bool:
    return language.lower().replace("_", "-").split("-")[0] == "en"


def _with_role(job_description: str | None, system_prompt: str) -> str:
    return f"# Role\n{job_description}\n\n{system_prompt}" if job_description else system_prompt


def _snapshot(agent: Agent, mind: Mind) -> AgentSnapshot:
    transcriber, tts = TranscriberResponse.model_validate(agent.transcriber), TTSResponse.model_validate(agent.tts)
    return AgentSnapshot(
        agent_id=agent.id,
        name=agent.name,
        paused=agent.status == "paused",
        system_prompt=_with_role(agent.job_description, mind.system_prompt),
        first_message=agent.first_message,
        llm=mind.llm,
        stt=SttChoice(transcriber.provider, transcriber.model, transcriber.language),
        tts=TtsChoice(tts.provider, tts.voice_id, min(FASTEST, max(SLOWEST, tts.speed * agent.speed)), tts.stability),
        end_call_phrases=tuple(agent.end_call_phrases),
        max_duration_seconds=agent.max_duration_seconds,
        silence_timeout_seconds=agent.silence_timeout_seconds,
        interruption_sensitivity=agent.interruption_sensitivity,
        responsiveness=agent.responsiveness,
        enable_recording=agent.enable_recording,
        voicemail_message=agent.voicemail_message,
        dynamic_variables=_texts(agent.dynamic_variables),
    )


def _texts(variables: Mapping[str, object]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in variables.items()
    }
