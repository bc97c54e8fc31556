"""API keys as the public API reads and shows them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from oneinbox.features.api_keys.scopes import Scope
from oneinbox.kit.bodies import RequestBody

LONGEST_GRACE_SECONDS = 7 * 24 * 3600

Name = Annotated[str, Field(min_length=1, max_length=255)]
Scopes = Annotated[
    list[Scope],
    Field(
        max_length=len(Scope),
        description="What the key is limited to. `read` does not come with `write`; none at all is no limit. "
        "A key can't make one that may do more than itself.",
    ),
]


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


class ApiKeyRotate(RequestBody):
    rotate_grace_seconds: Annotated[int, Field(ge=0, le=LONGEST_GRACE_SECONDS)] = Field(
        default=3600, description="How long the old key goes on working; 0 for not at all."
    )


class ApiKeyRotated(ApiKeyCreated):
    rotate_grace_seconds: int = Field(description="For so many seconds the old key goes on working.")
