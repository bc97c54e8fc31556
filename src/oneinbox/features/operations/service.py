"""Operations, read: they are written by whoever runs them."""

from collections.abc import Sequence

from oneinbox.features.context import Context
from oneinbox.features.operations.errors import OperationNotFound
from oneinbox.features.operations.repository import OperationRepository
from oneinbox.features.operations.schemas import OperationErrorResponse, OperationResponse, OperationStepResponse
from oneinbox.kit.paging import Page
from oneinbox.kit.steps import OPEN, Operation, OperationState, OperationStep, StepState


async def get(ctx: Context, operation_id: str) -> OperationResponse:
    """One operation with its steps; raises OperationNotFound."""
    own = OperationRepository(ctx.session, ctx.workspace_id)
    operation = await own.get(operation_id)
    if operation is None:
        raise OperationNotFound(f"There is no operation {operation_id} in this workspace.")
    return _shown(operation, await own.steps([operation.id]))


async def of_resource(ctx: Context, resource_id: str, limit: int, offset: int) -> Page[OperationResponse]:
    """What was done to a resource, newest first; also to one that is gone, or never came to be."""
    own = OperationRepository(ctx.session, ctx.workspace_id)
    page = await own.page(resource_id, limit, offset)
    steps = await own.steps([operation.id for operation in page.items])
    shown = [_shown(one, [step for step in steps if step.operation_id == one.id]) for one in page.items]
    return Page(shown, page.total)


def _shown(operation: Operation, steps: Sequence[OperationStep]) -> OperationResponse:
    return OperationResponse(
        id=operation.id,
        kind=operation.kind,
        resource_id=operation.resource_id,
        state=OperationState(operation.state),
        error=_error(operation),
        steps=[_shown_step(step) for step in steps],
        created_at=operation.created_at,
        finished_at=None if operation.state in OPEN else operation.updated_at,
    )


def _shown_step(step: OperationStep) -> OperationStepResponse:
    return OperationStepResponse(
        name=step.name,
        state=StepState(step.state),
        external_id=step.external_id,
        error=_error(step),
        started_at=step.started_at,
        finished_at=None if step.state == StepState.SENDING else step.updated_at,
    )


def _error(told: Operation | OperationStep) -> OperationErrorResponse | None:
    if told.error_code is None:
        return None
    return OperationErrorResponse(code=told.error_code, detail=told.error or "Something went wrong on our side.")
