"""Operations as the public API shows them; nothing of what was asked for."""

from datetime import datetime

from pydantic import BaseModel, Field

from oneinbox.kit.steps import OperationState, StepState


class OperationErrorResponse(BaseModel):
    code: str
    detail: str


class OperationStepResponse(BaseModel):
    name: str
    state: StepState = Field(
        description="`sending`: begun, its outcome not yet known; `done`; `undone`: taken back; "
        "`failed`: there was nothing to take back."
    )
    external_id: str | None = Field(description="What the media plane calls the thing that the step is about.")
    error: OperationErrorResponse | None
    started_at: datetime
    finished_at: datetime | None


class OperationResponse(BaseModel):
    id: str
    kind: str
    resource_id: str
    state: OperationState = Field(
        description="`running` and `undoing` are under way, also across restarts; `done`; `undone`: nothing is left "
        "of it; `failed`: it could neither be finished nor undone."
    )
    error: OperationErrorResponse | None = Field(description="Why it is undone.")
    steps: list[OperationStepResponse]
    created_at: datetime
    finished_at: datetime | None
