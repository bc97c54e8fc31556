"""API keys as the public API reads and shows them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from oneinbox.kit.bodies import RequestBody

Name = Annotated[str, Field(min_length=1, max_length=255)]
Scopes = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=100)]


class ApiKeyCreate(RequestBody):
    name: Name
    scopes: Scopes | None = None


class ApiKeyResponse(BaseModel):
    id: str
    name: str
    key_prefix: str
    is_active: bool
    scopes: list[str]
    last_used_at: datetime | None
    created_at: datetime


class ApiKeyCreated(ApiKeyResponse):
    api_key: str = Field(description="The key itself: shown this once.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is."""

    workspace_id: str
    key_id: str
