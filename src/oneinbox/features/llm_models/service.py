"""Models: the brains that agents share."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ScalarSelect, Select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute

from oneinbox.contracts.plan import LlmChoice
from oneinbox.features.context import Context
from oneinbox.features.llm_models import repository
from oneinbox.features.llm_models.errors import (
    IntegrationNotFound,
    KnowledgeBaseNotFound,
    ModelInUse,
    ModelNotFound,
    ToolNotFound,
)
from oneinbox.features.llm_models.models import LlmModel
from oneinbox.features.llm_models.repository import LlmModelRepository
from oneinbox.features.llm_models.schemas import (
    DEFAULT_MAX_TOKENS,
    DEFAULT_TEMPERATURE,
    GENERAL_ASSISTANT,
    LLMModelCreate,
    LLMModelResponse,
    LLMModelUpdate,
    Mind,
)
from oneinbox.kit.bodies import InvalidField
from oneinbox.kit.db import referring
from oneinbox.kit.ids import new_id
from oneinbox.kit.paging import Page

T = TypeVar("T")

NULLABLE = frozenset({"max_tokens", "custom_websocket_url"})
REFERENCES = frozenset({"credential_id", "tool_ids", "knowledge_base_ids"})


async def create(ctx: Context, body: LLMModelCreate) -> LlmModel:
    """A new model. Raises InvalidField, and NotFound kin for references to what isn't there."""
    _check(ctx, body)
    model = LlmModel(id=new_id(), **body.model_dump(exclude=set(REFERENCES)))
    await _own(ctx).add(model)
    return model


async def create_default(ctx: Context, agent_name: str) -> LlmModel:
    """The model that an agent gets when it names none."""
    model = LlmModel(
        id=new_id(),
        name=agent_name,
        provider=ctx.ports.defaults.llm_provider,
        model=ctx.ports.defaults.llm_model,
        system_prompt=GENERAL_ASSISTANT,
        temperature=DEFAULT_TEMPERATURE,
        max_tokens=DEFAULT_MAX_TOKENS,
    )
    await _own(ctx).add(model)
    return model


async def list_models(ctx: Context, limit: int, offset: int) -> Page[LlmModel]:
    """The workspace's models, newest first."""
    return await _own(ctx).page(limit, offset)


async def get(ctx: Context, model_id: str) -> LlmModel:
    """One model; raises ModelNotFound."""
    model = await _own(ctx).get(model_id)
    if model is None:
        raise ModelNotFound(f"There is no model {model_id} in this workspace.")
    return model


async def update(ctx: Context, model_id: str, body: LLMModelUpdate) -> LlmModel:
    """Change what is given. Null clears `max_tokens` and `custom_websocket_url`; elsewhere it changes nothing."""
    model = await get(ctx, model_id)
    _check(ctx, body)
    given = body.model_dump(exclude_unset=True, exclude=set(REFERENCES))
    for name, value in given.items():
        if value is not None or name in NULLABLE:
            setattr(model, name, value)
    model.updated_at = ctx.clock.now()
    await ctx.session.flush()
    return model


async def delete(ctx: Context, model_id: str) -> None:
    """Remove a model; raises ModelNotFound, and ModelInUse when an agent thinks with it."""
    await get(ctx, model_id)
    try:
        async with ctx.session.begin_nested():
            await _own(ctx).remove(model_id)
    except IntegrityError:
        users = ", ".join(await referring(ctx.session, LlmModel.metadata.tables[LlmModel.__tablename__], model_id))
        raise ModelInUse(f"Model {model_id} is used by {users}: give them another one first, or delete them.") from None


def provider_of(
    model_id: InstrumentedAttribute[str | None], workspace_id: InstrumentedAttribute[str]
) -> ScalarSelect[str]:
    """The provider of the workspace's model of that id, as a column of a statement."""
    return repository.provider_of(model_id, workspace_id)


def beside(
    rows: Select[T], model_id: InstrumentedAttribute[str | None], workspace_id: InstrumentedAttribute[str]
) -> Select[T, LlmModel]:
    """The rows, each with the workspace's model of that id, which `mind` takes; with None where there is none."""
    return repository.beside(rows, model_id, workspace_id)


def mind(model: LlmModel) -> Mind:
    """What of the model a call needs."""
    return Mind(model.system_prompt, LlmChoice(model.provider, model.model, model.temperature, model.max_tokens))


def to_response(model: LlmModel) -> LLMModelResponse:
    """The model as the API shows it."""
    stored = {name: getattr(model, name) for name in LLMModelResponse.model_fields if hasattr(model, name)}
    return LLMModelResponse.model_validate({**stored, "tool_ids": [], "knowledge_base_ids": []})


def _own(ctx: Context) -> LlmModelRepository:
    return LlmModelRepository(ctx.session, ctx.workspace_id)


def _check(ctx: Context, body: LLMModelCreate | LLMModelUpdate) -> None:
    if body.provider in ctx.ports.defaults.switched_off:
        raise InvalidField(("body", "provider"), f"The provider {body.provider} is for tests, and switched off here")
    if body.credential_id is not None:
        raise IntegrationNotFound(f"There is no integration {body.credential_id} in this workspace.")
    _refuse_any(body.tool_ids, ToolNotFound, "tool")
    _refuse_any(body.knowledge_base_ids, KnowledgeBaseNotFound, "knowledge base")


def _refuse_any(ids: Sequence[UUID] | None, error: type[ToolNotFound | KnowledgeBaseNotFound], kind: str) -> None:
    if ids:
        raise error(f"There is no {kind} {ids[0]} in this workspace.")
