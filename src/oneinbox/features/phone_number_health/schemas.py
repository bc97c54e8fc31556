"""What `/v1/phone-numbers/{phone_id}/health` answers."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from oneinbox.features.attempts.schemas import AttemptResponse
from oneinbox.features.phone_numbers.schemas import AnsweredBy

Who = Literal["you", "your carrier", "us"]


class HealthCheck(BaseModel):
    name: str
    ok: bool
    cause: str | None = Field(default=None, description="What is wrong.")
    who: Who | None = Field(default=None, description="Who must act; `us` is whoever runs this deployment.")
    fix: str | None = Field(default=None, description="What to do, in a sentence.")


class PhoneNumberHealthResponse(BaseModel):
    phone_id: str
    phone_number: str
    status: str = Field(description="The number's status: `degraded` when it is switched on and nobody would answer.")
    answered_by: AnsweredBy = Field(description="Who would answer a call that came now.")
    checks: list[HealthCheck]
    last_attempt: AttemptResponse | None = Field(description="The last INVITE that reached, or meant, this number.")
    last_inbound_call_at: datetime | None
