"""Who asks: a program with an API key or a person with a token, and what the credential may do."""

from collections.abc import Awaitable, Callable

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.app.api.limits import Ticket
from oneinbox.features.api_keys import service as api_keys
from oneinbox.features.api_keys.errors import ScopeMissing
from oneinbox.features.api_keys.scopes import allows, needed
from oneinbox.features.auth import service as auth
from oneinbox.features.auth.endpoints import COOKIE
from oneinbox.features.auth.errors import InvalidToken
from oneinbox.features.context import Caller
from oneinbox.kit.clock import Clock
from oneinbox.kit.errors import Unauthorized

Keys = tuple[bytes, bytes]
"""The pepper of API keys, and the key that signs people's tokens."""
Settle = Callable[[AsyncSession, Keys, Request, str | None, Clock], Awaitable[Caller]]
"""Finds whose request it is, by its bearer and what else came with it."""


def require_scope(caller: Caller, request: Request) -> None:
    """Raises ScopeMissing when the caller's credential does not allow what the request wants."""
    scope = needed(request.method, request.scope["route"].path)
    if not allows(caller.scopes, scope):
        raise ScopeMissing(f"This API key lacks the scope {scope}.")


async def person_of(session: AsyncSession, keys: Keys, request: Request, bearer: str | None, clock: Clock) -> Caller:
    """The user whose token is the bearer or, without one, the cookie. Raises Unauthorized, RateLimited."""
    token = bearer or request.cookies.get(COOKIE)
    if not token or not _is_token(token):
        raise InvalidToken("Sign in with POST /v1/auth/login, then send its token: Authorization: Bearer …")
    return await caller_of(session, keys, request, token, clock)


async def caller_of(session: AsyncSession, keys: Keys, request: Request, bearer: str | None, clock: Clock) -> Caller:
    """The owner of the bearer. Raises Unauthorized, RateLimited."""
    ticket: Ticket = request.state.ticket
    pepper, signing_key = keys
    try:
        if bearer and _is_token(bearer):
            caller = await auth.authenticate(session, signing_key, bearer, clock.now())
        else:
            caller = await api_keys.authenticate(session, pepper, bearer, clock.now())
    except Unauthorized:
        ticket.belongs_to_nobody()
        raise
    ticket.belongs_to(caller)
    return caller


def _is_token(bearer: str) -> bool:
    return bearer.count(".") == 2
