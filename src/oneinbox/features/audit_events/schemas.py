"""Audit events as the public API shows them, and as they are added."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, Field


class AuditEventResponse(BaseModel):
    id: str
    org_id: str = Field(description="The workspace.")
    user_id: str | None
    api_key_id: str | None
    action: str = Field(description="`<resource>.<verb>`, e.g. `phone_number.create`.")
    resource_type: str
    resource_id: str | None
    status: int = Field(description="The HTTP status that the request was answered with.")
    request_id: str
    ip: str | None
    user_agent: str | None
    payload_hash: str = Field(description="A keyed hash of the request's body: equal bodies have equal ones.")
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Deed:
    """What someone did, or tried to."""

    user_id: str | None
    api_key_id: str | None
    action: str
    resource_type: str
    resource_id: str | None
    status: int
    request_id: str
    ip: str | None
    user_agent: str | None
    payload_hash: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; None takes everything."""

    action: str | None = None
    resource_type: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """The first row of a workspace that is not as it was written, or whose neighbour is gone.

    Without a workspace: whole chains are gone.
    """

    workspace_id: str | None
    seq: int
    event_id: str | None
    reason: str
