"""`/v1/auth`: besides the bearer, these take the token from a cookie too."""

from fastapi import APIRouter, Response, status

from oneinbox.features.auth import service
from oneinbox.features.auth.schemas import LoginRequest, LogoutResponse, SignupRequest, TokenResponse, UserResponse
from oneinbox.features.context import Ports
from oneinbox.features.context.endpoints import AnyVisit, Ctx, Route

COOKIE = "oneinbox_token"
PATH = "/v1/auth"

router = APIRouter(prefix=PATH, tags=["auth"], route_class=Route)
open_router = APIRouter(prefix=PATH, tags=["auth"])


@open_router.post("/signup", status_code=status.HTTP_201_CREATED)
async def signup(visit: AnyVisit, body: SignupRequest, response: Response) -> TokenResponse:
    return _with_cookie(response, visit.ports, await service.sign_up(visit, body))


@open_router.post("/login")
async def login(visit: AnyVisit, body: LoginRequest, response: Response) -> TokenResponse:
    return _with_cookie(response, visit.ports, await service.log_in(visit, body))


@router.post("/refresh")
async def refresh(ctx: Ctx, response: Response) -> TokenResponse:
    return _with_cookie(response, ctx.ports, await service.refresh(ctx))


@router.post("/logout")
async def logout(ctx: Ctx, response: Response) -> LogoutResponse:
    await service.log_out(ctx)
    response.delete_cookie(COOKIE, path=PATH)
    return LogoutResponse(message="Signed out.")


@router.get("/me")
async def me(ctx: Ctx) -> UserResponse:
    return await service.me(ctx)


def _with_cookie(response: Response, ports: Ports, token: TokenResponse) -> TokenResponse:
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(
        COOKIE,
        token.access_token,
        max_age=token.expires_in_minutes * 60,
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=ports.links.public_url.startswith("https://"),
    )
    return token
