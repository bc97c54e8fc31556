"""Queries on API keys; revoked ones are never among a workspace's."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.api_keys.models import ApiKey


class ApiKeyRepository:
    """The keys of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        self._session = session
        self._workspace_id = workspace_id
        self._own: Select[ApiKey] = select(ApiKey).where(ApiKey.workspace_id == workspace_id, ApiKey.is_active)

    async def get(self, key_id: str) -> ApiKey | None:
        """One key."""
        return await self._session.scalar(self._own.where(ApiKey.id == key_id))

    async def all(self) -> Sequence[ApiKey]:
        """Newest first."""
        return (await self._session.scalars(self._own.order_by(ApiKey.id.desc()))).all()

    async def add(self, key: ApiKey) -> None:
        """A new key."""
        key.workspace_id = self._workspace_id
        self._session.add(key)
        await self._session.flush()


async def by_hash(session: AsyncSession, key_hash: bytes) -> ApiKey | None:
    """The key of that hash in any workspace, unless it was revoked."""
    return await session.scalar(select(ApiKey).where(ApiKey.key_hash == key_hash, ApiKey.is_active))


async def touch(session: AsyncSession, key_id: str, now: datetime, not_within: timedelta) -> None:
    """Write down that the key was used, unless that was written a short while ago."""
    old = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now - not_within)
    await session.execute(update(ApiKey).where(ApiKey.id == key_id, old).values(last_used_at=now))
