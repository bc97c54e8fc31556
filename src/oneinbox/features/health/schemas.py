"""What `/v1/health` answers."""

from typing import Literal

from pydantic import BaseModel, Field


class HealthResponse(BaseModel):
    status: Literal["ok", "degraded"] = Field(
        description="`degraded`: the API and its database answer, but no voice worker is ready for calls."
    )
    voice_workers: int = Field(description="How many are ready for calls.")
    version: str
