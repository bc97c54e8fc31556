"""Queries on users and sign-ins, by e-mail address or by the id that a signed token names."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.auth.models import SignedIn, User

SIGNING_UP = 7_611_204
"""The advisory lock that only one sign-up holds at a time, so that one alone is the first."""


async def one_at_a_time(session: AsyncSession) -> None:
    """Wait until no other transaction signs anybody up."""
    await session.execute(select(func.pg_advisory_xact_lock(SIGNING_UP)))


async def anybody(session: AsyncSession) -> bool:
    """Whether the deployment has a user."""
    return await session.scalar(select(User.id).limit(1)) is not None


async def by_email(session: AsyncSession, email: str) -> User | None:
    """The user of that address, which is in lower case."""
    return await session.scalar(select(User).where(User.email == email))


async def get(session: AsyncSession, workspace_id: str, user_id: str) -> User | None:
    """A user of the workspace."""
    return await session.scalar(select(User).where(User.workspace_id == workspace_id, User.id == user_id))


async def add(session: AsyncSession, row: User | SignedIn) -> None:
    """A new user or sign-in."""
    session.add(row)
    await session.flush()


async def workspace_of(session: AsyncSession, user_id: str, sign_in_id: str, now: datetime) -> str | None:
    """Whose workspace a request is for, as long as the sign-in lasts."""
    lasting = select(User.workspace_id).join(SignedIn, SignedIn.user_id == User.id)
    return await session.scalar(lasting.where(SignedIn.id == sign_in_id, User.id == user_id, SignedIn.expires_at > now))


async def sign_in(session: AsyncSession, sign_in_id: str) -> SignedIn | None:
    """A sign-in, held until the transaction ends."""
    return await session.scalar(select(SignedIn).where(SignedIn.id == sign_in_id).with_for_update())


async def end(session: AsyncSession, sign_in_id: str) -> None:
    """The sign-in is over."""
    await session.execute(delete(SignedIn).where(SignedIn.id == sign_in_id))


async def forget_ended(session: AsyncSession, user_id: str, now: datetime) -> None:
    """Remove the user's sign-ins that have expired."""
    await session.execute(delete(SignedIn).where(SignedIn.user_id == user_id, SignedIn.expires_at <= now))
