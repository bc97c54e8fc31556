"""Queries on API keys; revoked ones are never among a workspace's."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.api_keys.models import ApiKey, RetiredKey

_IN_GRACE = (RetiredKey.key_hash == bindparam("key_hash"), RetiredKey.valid_until > bindparam("now"))
_GRACE_OF = select(RetiredKey.key_id).where(*_IN_GRACE).scalar_subquery()
_GRACE_ENDS = select(RetiredKey.valid_until).where(*_IN_GRACE).scalar_subquery()
_BY_HASH = select(ApiKey, _GRACE_ENDS).where(
    or_(ApiKey.key_hash == bindparam("key_hash"), ApiKey.id == _GRACE_OF), ApiKey.is_active
)


class ApiKeyRepository:
    """The keys of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        self._session = session
        self._workspace_id = workspace_id
        self._own: Select[ApiKey] = select(ApiKey).where(ApiKey.workspace_id == workspace_id, ApiKey.is_active)

    async def get(self, key_id: str) -> ApiKey | None:
        """One key."""
        return await self._session.scalar(self._own.where(ApiKey.id == key_id))

    async def lock(self, key_id: str) -> ApiKey | None:
        """One key, held until the transaction ends, as it stands now."""
        query = self._own.where(ApiKey.id == key_id).with_for_update().execution_options(populate_existing=True)
        return await self._session.scalar(query)

    async def all(self) -> Sequence[ApiKey]:
        """Newest first."""
        return (await self._session.scalars(self._own.order_by(ApiKey.id.desc()))).all()

    async def add(self, key: ApiKey) -> None:
        """A new key."""
        key.workspace_id = self._workspace_id
        self._session.add(key)
        await self._session.flush()


async def by_hash(session: AsyncSession, key_hash: bytes, now: datetime) -> tuple[ApiKey, datetime | None] | None:
    """The key in any workspace that has that hash, or had it and is in its grace, which then ends at that time.

    Not when it was revoked.
    """
    return (await session.execute(_BY_HASH, {"key_hash": key_hash, "now": now})).one_or_none()


async def retire(session: AsyncSession, key: ApiKey, now: datetime, until: datetime) -> None:
    """The key's hash of now goes on working until then; those whose time is over are forgotten."""
    await session.execute(delete(RetiredKey).where(RetiredKey.key_id == key.id, RetiredKey.valid_until <= now))
    session.add(RetiredKey(key_hash=key.key_hash, key_id=key.id, valid_until=until))
    await session.flush()


async def touch(session: AsyncSession, key_id: str, now: datetime, not_within: timedelta) -> None:
    """Write down that the key was used, unless that was written a short while ago."""
    old = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now - not_within)
    await session.execute(update(ApiKey).where(ApiKey.id == key_id, old).values(last_used_at=now))
