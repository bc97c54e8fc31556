"""Queries on attempts. They belong to the deployment: most of a scanner's reach no workspace."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.attempts.models import AttemptNumber, AttemptRow
from oneinbox.kit.ids import first_id


async def add(session: AsyncSession, values: dict[str, object], numbers: Sequence[AttemptNumber]) -> None:
    """One more row with its numbers; one that is there already stays as it is."""
    added = insert(AttemptRow).values(**values).on_conflict_do_nothing().returning(AttemptRow.id)
    if await session.scalar(added) is not None:
        session.add_all(numbers)
        await session.flush()


async def of_number(
    session: AsyncSession, workspace_id: str, phone_id: str, limit: int, offset: int
) -> tuple[Sequence[AttemptRow], int]:
    """The attempts that a workspace's number has to do with, newest first, and how many there are."""
    own = (AttemptNumber.phone_id == phone_id, AttemptNumber.workspace_id == workspace_id)
    total = await session.scalar(select(func.count()).select_from(AttemptNumber).where(*own))
    page: Select[AttemptRow] = (
        select(AttemptRow)
        .join(AttemptNumber, AttemptNumber.attempt_id == AttemptRow.id)
        .where(*own)
        .order_by(AttemptNumber.attempt_id.desc())
        .limit(limit)
        .offset(offset)
    )
    return (await session.scalars(page)).all(), total or 0


async def newest(session: AsyncSession, limit: int, *, unowned: bool) -> Sequence[AttemptRow]:
    """The newest of the whole deployment; with `unowned` those only that reached no registered number."""
    page = select(AttemptRow).order_by(AttemptRow.id.desc()).limit(limit)
    return (await session.scalars(page.where(AttemptRow.phone_id.is_(None)) if unowned else page)).all()


async def forget(session: AsyncSession, before: datetime, most: int, *, unowned: bool) -> int:
    """Delete the oldest from before that moment, with or without a number that was called; how many."""
    old = select(AttemptRow.id).where(AttemptRow.id < first_id(before), AttemptRow.at < before)
    owned = AttemptRow.phone_id.is_(None) if unowned else AttemptRow.phone_id.is_not(None)
    batch = old.where(owned).order_by(AttemptRow.id).limit(most).with_for_update(skip_locked=True)
    gone = await session.scalars(delete(AttemptRow).where(AttemptRow.id.in_(batch)).returning(AttemptRow.id))
    return len(gone.all())


async def numbers(session: AsyncSession, attempt_ids: Collection[str]) -> Sequence[AttemptNumber]:
    """The numbers of these attempts."""
    return (await session.scalars(select(AttemptNumber).where(AttemptNumber.attempt_id.in_(attempt_ids)))).all()
