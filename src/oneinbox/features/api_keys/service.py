"""API keys: made, listed, rotated, revoked, and told apart from anything else that comes as a bearer."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.api_keys import repository
from oneinbox.features.api_keys.errors import ApiKeyNotFound, InvalidApiKey, ScopeMissing
from oneinbox.features.api_keys.models import ApiKey
from oneinbox.features.api_keys.repository import ApiKeyRepository
from oneinbox.features.api_keys.schemas import (
    ApiKeyCreate,
    ApiKeyCreated,
    ApiKeyResponse,
    ApiKeyRotate,
    ApiKeyRotated,
)
from oneinbox.features.api_keys.scopes import beyond
from oneinbox.features.context import Caller, Context
from oneinbox.kit.ids import new_id
from oneinbox.kit.sealing import Sealer
from oneinbox.kit.signing import API_KEY_PEPPER, deployment_key, hash_key, is_well_formed, new_api_key

PREFIX_LENGTH = 12
USE_NOTED_EVERY = timedelta(minutes=1)


async def issue(session: AsyncSession, sealer: Sealer, workspace_id: str, body: ApiKeyCreate) -> tuple[ApiKey, str]:
    """A new key's row, and the key itself, which is kept nowhere."""
    pepper = await deployment_key(session, sealer, API_KEY_PEPPER)
    key = new_api_key()
    row = ApiKey(
        id=new_id(),
        name=body.name,
        key_hash=hash_key(pepper, key),
        key_prefix=key[:PREFIX_LENGTH],
        is_active=True,
        scopes=sorted(set(body.scopes or [])),
    )
    await ApiKeyRepository(session, workspace_id).add(row)
    return row, key


async def create(ctx: Context, body: ApiKeyCreate) -> ApiKeyCreated:
    """A new key, shown this once. Raises ScopeMissing when it would be allowed more than the key that makes it."""
    _may_hand_out(ctx, body.scopes or [])
    row, key = await issue(ctx.session, ctx.ports.sealer, ctx.workspace_id, body)
    return ApiKeyCreated(api_key=key, **to_response(row).model_dump())


async def list_api_keys(ctx: Context) -> Sequence[ApiKey]:
    """The workspace's valid keys, newest first."""
    return await ApiKeyRepository(ctx.session, ctx.workspace_id).all()


async def revoke(ctx: Context, key_id: str) -> None:
    """The key is refused from now on; raises ApiKeyNotFound."""
    key = await ApiKeyRepository(ctx.session, ctx.workspace_id).get(key_id)
    if key is None:
        raise _not_found(key_id)
    key.is_active = False
    await ctx.session.flush()


async def rotate(ctx: Context, key_id: str, body: ApiKeyRotate) -> ApiKeyRotated:
    """Another key in the place of the old one, which works for a while longer. Raises ApiKeyNotFound, ScopeMissing."""
    row = await ApiKeyRepository(ctx.session, ctx.workspace_id).lock(key_id)
    if row is None:
        raise _not_found(key_id)
    _may_hand_out(ctx, row.scopes)
    now, grace = ctx.clock.now(), body.rotate_grace_seconds
    await repository.retire(ctx.session, row, now, now + timedelta(seconds=grace))
    key = new_api_key()
    row.key_hash = hash_key(await deployment_key(ctx.session, ctx.ports.sealer, API_KEY_PEPPER), key)
    row.key_prefix = key[:PREFIX_LENGTH]
    await ctx.session.flush()
    return ApiKeyRotated(api_key=key, rotate_grace_seconds=grace, **to_response(row).model_dump())


def hash_of(pepper: bytes, bearer: str | None) -> bytes:
    """What a key is found by. Raises InvalidApiKey when this is none: typing errors are seen by its checksum."""
    if not bearer:
        raise InvalidApiKey("Send your API key: Authorization: Bearer oi_sk_…")
    if not is_well_formed(bearer):
        raise InvalidApiKey("This is not an API key: it must begin with oi_sk_ and be copied whole.")
    return hash_key(pepper, bearer)


async def authenticate(session: AsyncSession, key_hash: bytes, now: datetime) -> Caller:
    """Whose key has this hash. Raises InvalidApiKey."""
    found = await repository.by_hash(session, key_hash, now)
    if found is None:
        raise InvalidApiKey("This API key is not valid, or it was revoked.")
    key, until = found
    if key.last_used_at is None or key.last_used_at < now - USE_NOTED_EVERY:
        await repository.touch(session, key.id, now, USE_NOTED_EVERY)
    return Caller(key.workspace_id, key.id, "api_key", key.id, frozenset(key.scopes), until)


def to_response(key: ApiKey) -> ApiKeyResponse:
    """The key as the API shows it: never itself."""
    return ApiKeyResponse.model_validate(key, from_attributes=True)


def _may_hand_out(ctx: Context, scopes: Sequence[str]) -> None:
    if missing := beyond(ctx.scopes, scopes):
        raise ScopeMissing(f"This API key can't hand out more than it has itself: it lacks {', '.join(missing)}.")


def _not_found(key_id: str) -> ApiKeyNotFound:
    return ApiKeyNotFound(f"There is no API key {key_id} in this workspace.")
