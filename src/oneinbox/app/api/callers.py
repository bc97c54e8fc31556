"""Who asks: a program with an API key or a person with a token, and what the credential may do."""

from collections.abc import Awaitable, Callable

from fastapi import Request

from oneinbox.app.api.deployment import Deployment
from oneinbox.app.api.limits import Ticket
from oneinbox.features.api_keys import service as api_keys
from oneinbox.features.api_keys.errors import ScopeMissing
from oneinbox.features.api_keys.scopes import Scope, allows, needed
from oneinbox.features.auth import service as auth
from oneinbox.features.auth.endpoints import COOKIE
from oneinbox.features.auth.errors import InvalidToken
from oneinbox.features.context import Caller
from oneinbox.kit.errors import Unauthorized

Settle = Callable[[Deployment, Request, str | None], Awaitable[Caller]]
"""Finds whose request it is, by its bearer and what else came with it."""


def require_scope(caller: Caller, request: Request) -> None:
    """Raises ScopeMissing when the caller's credential does not allow what the request wants."""
    scope = needed(request.method, request.scope["route"].path)
    if not allows(caller.scopes, scope):
        raise ScopeMissing(f"This API key lacks the scope {scope}.")


def changes_keys(request: Request) -> bool:
    """Whether somebody's key may not be after the request what it was before."""
    return needed(request.method, request.scope["route"].path) == Scope.API_KEYS_WRITE


async def person_of(deployment: Deployment, request: Request, bearer: str | None) -> Caller:
    """The user whose token is the bearer or, without one, the cookie. Raises Unauthorized, RateLimited."""
    token = bearer or request.cookies.get(COOKIE)
    if not token or not _is_token(token):
        raise InvalidToken("Sign in with POST /v1/auth/login, then send its token: Authorization: Bearer …")
    return await caller_of(deployment, request, token)


async def caller_of(deployment: Deployment, request: Request, bearer: str | None) -> Caller:
    """The owner of the bearer. Raises Unauthorized, RateLimited."""
    ticket: Ticket = request.state.ticket
    try:
        if bearer and _is_token(bearer):
            caller = await _with_token(deployment, bearer)
        else:
            caller = await _with_key(deployment, bearer)
    except Unauthorized:
        ticket.belongs_to_nobody()
        raise
    ticket.belongs_to(caller)
    return caller


async def _with_token(deployment: Deployment, token: str) -> Caller:
    async with deployment.database.statements() as session:
        return await auth.authenticate(session, deployment.ports.sign_in.key, token, deployment.clock.now())


async def _with_key(deployment: Deployment, bearer: str | None) -> Caller:
    key_hash, asked_at = api_keys.hash_of(deployment.pepper, bearer), deployment.clock.monotonic()
    caller = deployment.remembered.find(key_hash)
    if caller is None:
        async with deployment.database.statements() as session:
            caller = await api_keys.authenticate(session, key_hash, deployment.clock.now())
        deployment.remembered.keep(key_hash, caller, asked_at)
    return caller


def _is_token(bearer: str) -> bool:
    return bearer.count(".") == 2
