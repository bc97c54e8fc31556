"""The application: its routers, who may use them, and what its OpenAPI document says."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response, Security
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.app.aftermath import Telling
from oneinbox.app.api import errors, trail
from oneinbox.app.api.callers import Settle, caller_of, changes_keys, person_of, require_scope
from oneinbox.app.api.deployment import Deployment
from oneinbox.app.api.document import TITLE, VERSION, document
from oneinbox.app.api.gate import Gate
from oneinbox.app.api.idempotency import HEADER, Claim
from oneinbox.app.api.limits import Limits
from oneinbox.app.api.requests import ID_HEADER, Requests
from oneinbox.features.agents.endpoints import router as agents
from oneinbox.features.api_keys.endpoints import router as api_keys
from oneinbox.features.audit_events.endpoints import router as audit_events
from oneinbox.features.auth.endpoints import open_router as signing_in
from oneinbox.features.auth.endpoints import router as signed_in
from oneinbox.features.calls.endpoints import open_router as recordings
from oneinbox.features.calls.endpoints import router as calls
from oneinbox.features.context import Caller, Context, Visit
from oneinbox.features.health.endpoints import router as health
from oneinbox.features.llm_models.endpoints import router as llm_models
from oneinbox.features.operations.endpoints import router as operations
from oneinbox.features.phone_number_health.endpoints import router as phone_number_health
from oneinbox.features.phone_numbers.endpoints import router as phone_numbers
from oneinbox.kit.clock import Clock

SECURITY_SCHEME = "API Key"
KEY_DESCRIPTION = (
    "Your **API key** sent as a Bearer credential — `Authorization: Bearer <api_key>`, where `<api_key>` starts with "
    "`oi_sk_` (create one via `POST /v1/api-keys`). Although the field is labelled 'token', paste your API key here. "
    "A dashboard JWT is also accepted on this header for the same endpoints."
)

EXPOSED = [ID_HEADER, "RateLimit", "RateLimit-Policy", "Retry-After"]

bearer = HTTPBearer(scheme_name=SECURITY_SCHEME, description=KEY_DESCRIPTION, auto_error=False)


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
    for router in (llm_models, agents, phone_numbers, phone_number_health, operations, calls, api_keys, audit_events):
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
    database = deployment.database
    async with database.statements() if request.method in trail.READING else database.transaction() as session:
        request.state.visit = Visit(
            session,
            deployment.clock,
            deployment.ports,
            request.state.ticket,
            trail.origin_of(request),
            keyed=HEADER in request.headers,
        )
        yield


async def _context(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
) -> AsyncIterator[None]:
    """A request with a key or a token."""
    caller = await _settled(request, credentials, caller_of)
    async with _serving(request, caller):
        require_scope(caller, request)
        yield
    if changes_keys(request):
        request.app.state.deployment.remembered.forget()


async def _person(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
) -> AsyncIterator[None]:
    """The same for those endpoints that only people use."""
    async with _serving(request, await _settled(request, credentials, person_of)):
        yield


async def _settled(request: Request, credentials: HTTPAuthorizationCredentials | None, whose: Settle) -> Caller:
    """Who asks, found before the request's transaction begins."""
    return await whose(request.app.state.deployment, request, credentials.credentials if credentials else None)


def _serving(request: Request, caller: Caller) -> AbstractAsyncContextManager[None]:
    return _reading(request, caller) if request.method in trail.READING else _acting(request, caller)


@asynccontextmanager
async def _reading(request: Request, caller: Caller) -> AsyncIterator[None]:
    """A request that changes nothing needs no transaction around its queries, and nothing is told of it."""
    deployment: Deployment = request.app.state.deployment
    async with deployment.database.statements() as session:
        request.state.context = _context_of(request, deployment, caller, session)
        yield


@asynccontextmanager
async def _acting(request: Request, caller: Caller) -> AsyncIterator[None]:
    """The request's transaction. What it did is written in it, what it was refused in one of its own."""
    deployment: Deployment = request.app.state.deployment
    async with deployment.idempotency.once(request, caller.workspace_id) as claim:
        telling = await trail.telling_of(request, deployment, caller)
        try:
            async with deployment.database.transaction() as session:
                plain = _context_of(request, deployment, caller, session)
                ctx = replace(
                    plain, made_id=claim.resource_id, again=claim.again, deed=telling.written, ended=telling.ended
                )
                request.state.context = ctx
                request.state.conclude = partial(_conclude, deployment, ctx, telling, claim)
                yield
        except Exception as error:
            await trail.write_refusal(deployment, caller.workspace_id, telling, error)
            raise


async def _conclude(deployment: Deployment, ctx: Context, telling: Telling, claim: Claim, response: Response) -> None:
    """Before the transaction ends: the audit event and the kept answer, which are then there if its effect is."""
    await trail.write(deployment, ctx, telling, response)
    await deployment.idempotency.keep(ctx.session, claim, response)


def _context_of(request: Request, deployment: Deployment, caller: Caller, session: AsyncSession) -> Context:
    return Context(
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
