"""The application: its routers, who may use them, and what its OpenAPI document says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Security
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from oneinbox.app.api import errors
from oneinbox.app.api.callers import caller_of, person_of
from oneinbox.app.api.document import TITLE, VERSION, document
from oneinbox.app.api.gate import Gate
from oneinbox.app.api.limits import Limits
from oneinbox.app.api.requests import ID_HEADER, Requests
from oneinbox.features.agents.endpoints import router as agents
from oneinbox.features.api_keys.endpoints import router as api_keys
from oneinbox.features.auth.endpoints import open_router as signing_in
from oneinbox.features.auth.endpoints import router as signed_in
from oneinbox.features.calls.endpoints import open_router as recordings
from oneinbox.features.calls.endpoints import router as calls
from oneinbox.features.context import Caller, Context, Ports, Visit
from oneinbox.features.health.endpoints import router as health
from oneinbox.features.llm_models.endpoints import router as llm_models
from oneinbox.features.operations.endpoints import router as operations
from oneinbox.features.phone_numbers.endpoints import router as phone_numbers
from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database

SECURITY_SCHEME = "API Key"
KEY_DESCRIPTION = (
    "Your **API key** sent as a Bearer credential — `Authorization: Bearer <api_key>`, where `<api_key>` starts with "
    "`oi_sk_` (create one via `POST /v1/api-keys`). Although the field is labelled 'token', paste your API key here. "
    "A dashboard JWT is also accepted on this header for the same endpoints."
)

EXPOSED = [ID_HEADER, "RateLimit", "RateLimit-Policy", "Retry-After"]

bearer = HTTPBearer(scheme_name=SECURITY_SCHEME, description=KEY_DESCRIPTION, auto_error=False)


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the API process works with.

    `pepper` is the key under which API keys are hashed, `rate_limit` a key's requests per minute, 0 for no limit.
    """

    database: Database
    clock: Clock
    ports: Ports
    pepper: bytes = field(repr=False)
    rate_limit: int = 0


def create_app(deployment: Deployment) -> FastAPI:
    """The API of a deployment; it opens nothing itself."""
    app = routes(deployment.clock, deployment.rate_limit)
    app.state.deployment = deployment
    return app


def routes(clock: Clock, rate_limit: int = 0) -> FastAPI:
    """The API without anything behind it: enough for its document."""
    app = FastAPI(title=TITLE, version=VERSION, docs_url="/docs", redoc_url=None)
    errors.install(app)
    open_to_all = [Depends(_visit, scope="function")]
    with_key = [Depends(_context, scope="function")]
    app.include_router(signed_in, dependencies=[Depends(_person, scope="function")])
    for router in (health, recordings, signing_in):
        app.include_router(router, dependencies=open_to_all)
    for router in (llm_models, agents, phone_numbers, operations, calls, api_keys):
        app.include_router(router, dependencies=with_key)
    app.add_middleware(Gate)
    app.add_middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"], expose_headers=EXPOSED
    )
    app.add_middleware(Requests, clock=clock, limits=Limits(clock, rate_limit))
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    return app


async def _visit(request: Request) -> AsyncIterator[None]:
    deployment: Deployment = request.app.state.deployment
    async with deployment.database.transaction() as session:
        request.state.visit = Visit(session, deployment.clock, deployment.ports, request.state.ticket)
        yield


async def _context(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
) -> AsyncIterator[None]:
    """Who asks is settled in a transaction of its own; the request's begins with its first query."""
    deployment: Deployment = request.app.state.deployment
    async with deployment.database.transaction() as session:
        caller = await caller_of(session, _keys(deployment), request, _token(credentials), deployment.clock)
    async with _acting(request, deployment, caller):
        yield


async def _person(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
) -> AsyncIterator[None]:
    """The same for those endpoints that only people use."""
    deployment: Deployment = request.app.state.deployment
    async with deployment.database.transaction() as session:
        caller = await person_of(session, _keys(deployment), request, _token(credentials), deployment.clock)
    async with _acting(request, deployment, caller):
        yield


@asynccontextmanager
async def _acting(request: Request, deployment: Deployment, caller: Caller) -> AsyncIterator[None]:
    async with deployment.database.transaction() as session:
        request.state.context = Context(
            session=session,
            workspace_id=caller.workspace_id,
            actor=caller.actor,
            request_id=request.state.request_id,
            clock=deployment.clock,
            ports=deployment.ports,
            kind=caller.kind,
            credential=caller.credential,
            scopes=caller.scopes,
        )
        yield


def _keys(deployment: Deployment) -> tuple[bytes, bytes]:
    return deployment.pepper, deployment.ports.sign_in.key


def _token(credentials: HTTPAuthorizationCredentials | None) -> str | None:
    return credentials.credentials if credentials else None
