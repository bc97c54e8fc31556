"""People: signed up, signed in, known by their token, signed out."""

from datetime import datetime, timedelta

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.audit_events import service as audit_events
from oneinbox.features.audit_events.schemas import Deed
from oneinbox.features.auth import repository, tokens
from oneinbox.features.auth.errors import EmailTaken, InvalidToken, SignupClosed, TokenExpired, WrongCredentials
from oneinbox.features.auth.models import SignedIn, User
from oneinbox.features.auth.schemas import LoginRequest, SignupRequest, TokenResponse, UserResponse
from oneinbox.features.context import Caller, Context, SignIn, Visit
from oneinbox.features.workspaces import service as workspaces
from oneinbox.kit.ids import new_id

TOKEN_LASTS = timedelta(minutes=60)
SIGN_IN_LASTS = timedelta(days=30)
"""However often its token is refreshed."""


async def sign_up(visit: Visit, body: SignupRequest) -> TokenResponse:
    """A new user with a workspace of its own, signed in. Raises SignupClosed, EmailTaken, TooManyRequests.

    With an idempotency key, whoever was signed up by the same request before, and perhaps not told, is signed in.
    """
    visit.attempts.count(body.email if visit.keyed else None)
    if visit.keyed and (user := await _who(visit, body.email, body.password)) is not None:
        return await _welcome_back(visit, user, 201)
    await _first_or_welcome(visit)
    hashed = await visit.ports.sign_in.passwords.hash(body.password.get_secret_value())
    await repository.one_at_a_time(visit.session)
    there = visit.keyed and await repository.by_email(visit.session, body.email) is not None
    if there and (twin := await _who(visit, body.email, body.password)) is not None:
        return await _welcome_back(visit, twin, 201)
    first = await _first_or_welcome(visit)
    workspace_id = await workspaces.create(visit.session, body.organization_name or body.name, first=first)
    user = await add_user(visit.session, workspace_id, body.email, body.name, hashed)
    await _audit(visit, user, "signup", 201)
    return await _signed_in(visit.session, visit.ports.sign_in, user, visit.clock.now())


async def add_user(session: AsyncSession, workspace_id: str, email: str, name: str, password_hash: str) -> User:
    """A new user of that workspace; the address is in lower case. Raises EmailTaken."""
    if await repository.by_email(session, email) is not None:
        raise EmailTaken("There is a user of this e-mail address already.")
    user = User(id=new_id(), workspace_id=workspace_id, email=email, name=name, password_hash=password_hash)
    await repository.add(session, user)
    return user


async def log_in(visit: Visit, body: LoginRequest) -> TokenResponse:
    """A token for whoever knows the password. Raises WrongCredentials, TooManyRequests.

    It takes as long for an address that nobody has.
    """
    visit.attempts.count(body.email)
    user = await _who(visit, body.email, body.password)
    if user is None:
        raise WrongCredentials("The e-mail address or the password is wrong.")
    return await _welcome_back(visit, user, 200)


async def authenticate(session: AsyncSession, key: bytes, token: str, now: datetime) -> Caller:
    """Whose token this is. Raises InvalidToken, TokenExpired; one that was not made here costs no query."""
    claims = tokens.read(key, token, now)
    workspace_id = await repository.workspace_of(session, claims.user_id, claims.sign_in_id, now)
    if workspace_id is None:
        raise InvalidToken("This token's user has signed out: sign in again.")
    return Caller(workspace_id, claims.user_id, "user", claims.sign_in_id)


async def refresh(ctx: Context) -> TokenResponse:
    """Another token, for as long again. Raises TokenExpired when the sign-in has lasted as long as any may."""
    now = ctx.clock.now()
    lasting = await repository.sign_in(ctx.session, ctx.credential)
    if lasting is None:
        raise InvalidToken("This token's user has signed out: sign in again.")
    until = min(now + TOKEN_LASTS, lasting.began_at + SIGN_IN_LASTS)
    if until <= now:
        raise TokenExpired(f"A sign-in lasts {SIGN_IN_LASTS.days} days at most: sign in again.")
    lasting.expires_at = max(until, lasting.expires_at)
    await ctx.session.flush()
    return _token(ctx.ports.sign_in, tokens.Claims(ctx.actor, lasting.id), now, until)


async def log_out(ctx: Context) -> None:
    """Every token of this sign-in is refused from now on."""
    await repository.end(ctx.session, ctx.credential)


async def me(ctx: Context) -> UserResponse:
    """The user whose token came with the request."""
    user = await repository.get(ctx.session, ctx.workspace_id, ctx.actor)
    if user is None:
        raise InvalidToken("This token's user is gone: sign in again.")
    return UserResponse(
        id=user.id,
        email=user.email,
        name=user.name,
        workspace_id=user.workspace_id,
        workspace_name=await workspaces.name_of(ctx.session, user.workspace_id),
        created_at=user.created_at,
    )


async def _who(visit: Visit, email: str, password: SecretStr) -> User | None:
    """The user of that address, if this is the password."""
    user = await repository.by_email(visit.session, email)
    right = await visit.ports.sign_in.passwords.verify(
        user.password_hash if user else None, password.get_secret_value()
    )
    return user if right else None


async def _welcome_back(visit: Visit, user: User, status: int) -> TokenResponse:
    visit.attempts.forgive(user.email)
    await _audit(visit, user, "login", status)
    return await _signed_in(visit.session, visit.ports.sign_in, user, visit.clock.now())


async def _first_or_welcome(visit: Visit) -> bool:
    if not await repository.anybody(visit.session):
        return True
    if not visit.ports.sign_in.open_to_all:
        raise SignupClosed(
            "This deployment has its owner already. Users are added on its machine: oneinbox users create; "
            "with ONEINBOX_OPEN_SIGNUP=true anybody may sign up for a workspace of their own."
        )
    return False


async def _audit(visit: Visit, user: User, verb: str, status: int) -> None:
    """Who came in is written in the trail of their workspace; no hash of what they sent, which holds a password."""
    origin = visit.origin
    deed = Deed(
        user_id=user.id,
        api_key_id=None,
        action=f"auth.{verb}",
        resource_type="auth",
        resource_id=user.id,
        status=status,
        request_id=origin.request_id,
        ip=origin.ip,
        user_agent=origin.user_agent,
        payload_hash="",
    )
    await audit_events.append(visit.session, origin.audit_key, user.workspace_id, deed, visit.clock.now())


async def _signed_in(session: AsyncSession, sign_in: SignIn, user: User, now: datetime) -> TokenResponse:
    await repository.forget_ended(session, user.id, now)
    until = now + TOKEN_LASTS
    lasting = SignedIn(id=new_id(), user_id=user.id, began_at=now, expires_at=until)
    await repository.add(session, lasting)
    return _token(sign_in, tokens.Claims(user.id, lasting.id), now, until)


def _token(sign_in: SignIn, claims: tokens.Claims, now: datetime, until: datetime) -> TokenResponse:
    minutes = int((until - now) / timedelta(minutes=1))
    return TokenResponse(access_token=tokens.write(sign_in.key, claims, now, until), expires_in_minutes=minutes)
