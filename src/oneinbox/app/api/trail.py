"""The audit trail of requests: what each mutating one did, or was refused, told in the words of its route."""

import json
from collections.abc import Mapping
from dataclasses import replace

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from oneinbox.app.aftermath import Telling, answered, status_of
from oneinbox.app.api.deployment import Deployment
from oneinbox.app.running import DATABASE_AWAY
from oneinbox.features.audit_events import service as audit_events
from oneinbox.features.audit_events.schemas import Deed
from oneinbox.features.context import Caller, Context, Origin
from oneinbox.kit.errors import Unprocessable
from oneinbox.kit.signing import sign
from oneinbox.kit.steps import OperationState

READING = frozenset({"GET", "HEAD", "OPTIONS"})
VERBS: Mapping[str, str] = {"POST": "create", "PATCH": "update", "PUT": "update", "DELETE": "delete"}
LONGEST_AGENT = 300

_log = structlog.get_logger(__name__)


async def telling_of(request: Request, deployment: Deployment, caller: Caller) -> Telling:
    """Tells what the request, which changes something, will have done if it succeeds."""
    resource_type, verb = _named(request)
    origin = origin_of(request)
    succeeding: int | None = request.scope["route"].status_code
    deed = Deed(
        user_id=caller.actor if caller.kind == "user" else None,
        api_key_id=caller.actor if caller.kind == "api_key" else None,
        action=f"{resource_type}.{verb}",
        resource_type=resource_type,
        resource_id=next(iter(request.path_params.values()), None),
        status=succeeding or 200,
        request_id=origin.request_id,
        ip=origin.ip,
        user_agent=origin.user_agent,
        payload_hash=sign(deployment.audit_key, (await request.body()).decode("latin-1")),
    )
    return Telling(deed, caller.workspace_id, deployment.audit_key, deployment.clock)


async def write(deployment: Deployment, ctx: Context, telling: Telling, response: Response) -> None:
    """What the request did, in its transaction, unless its operation has told of it."""
    if telling.told is OperationState.DONE:
        return
    deed = telling.deed
    done = replace(deed, status=response.status_code, resource_id=deed.resource_id or _made(response))
    await audit_events.append(ctx.session, deployment.audit_key, ctx.workspace_id, done, ctx.clock.now())


async def write_refusal(deployment: Deployment, workspace_id: str, telling: Telling, error: Exception) -> None:
    """What the request tried to do, unless its operation has told of it; while the database is away, in the log only.

    What was done although its request fails now has been told as done, and this is told too.
    """
    if telling.told is OperationState.UNDONE:
        return
    refused = replace(telling.deed, status=_status(error))
    try:
        async with deployment.database.transaction() as session:
            await answered(session, workspace_id, telling.written)
            await audit_events.append(session, deployment.audit_key, workspace_id, refused, deployment.clock.now())
    except DATABASE_AWAY as away:
        _log.error("refusal_not_audited", action=refused.action, reason=type(away).__name__)


def origin_of(request: Request) -> Origin:
    """Where the request came from."""
    deployment: Deployment = request.app.state.deployment
    ip = request.client.host if request.client else None
    agent = request.headers.get("user-agent", "")
    readable = "".join(character for character in agent if character.isprintable())[:LONGEST_AGENT]
    return Origin(request.state.request_id, ip, readable or None, deployment.audit_key)


def _named(request: Request) -> tuple[str, str]:
    """The resource and the verb of a route: POST of `/v1/phone-numbers` is (phone_number, create)."""
    parts: list[str] = request.scope["route"].path.strip("/").split("/")[1:]
    resource = parts[0].replace("-", "_").removesuffix("s")
    last = parts[-1]
    return resource, VERBS[request.method] if len(parts) == 1 or last.startswith("{") else last.replace("-", "_")


def _made(response: Response) -> str | None:
    answer = json.loads(bytes(response.body)) if response.body else None
    return str(answer["id"]) if isinstance(answer, dict) and "id" in answer else None


def _status(error: Exception) -> int:
    if isinstance(error, RequestValidationError):
        return Unprocessable.status
    return error.status_code if isinstance(error, HTTPException) else status_of(error)
