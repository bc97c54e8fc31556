"""Users and their tokens as the public API reads and shows them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr, StringConstraints

from oneinbox.kit.bodies import RequestBody

Email = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")
]
NewPassword = Annotated[SecretStr, Field(min_length=8, max_length=256)]
PersonName = Annotated[str, Field(min_length=1, max_length=255)]


class SignupRequest(RequestBody):
    email: Email
    password: NewPassword
    name: PersonName
    organization_name: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None, description="What the new workspace is called; the first one of a deployment is `default`."
    )


class LoginRequest(RequestBody):
    email: Email
    password: Annotated[SecretStr, Field(max_length=256)]


class TokenResponse(BaseModel):
    access_token: str = Field(description="Send it as `Authorization: Bearer <access_token>`, on every endpoint.")
    token_type: str = "Bearer"
    expires_in_minutes: int


class UserResponse(BaseModel):
    id: str
    email: str
    name: str
    workspace_id: str
    workspace_name: str
    created_at: datetime


class LogoutResponse(BaseModel):
    message: str
