"""Queries on trunks and rules. They are found by marker or id; both are unguessable and belong to the deployment."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.trunks.models import DispatchRuleRow, InboundTrunkRow, OutboundTrunkRow

Row = InboundTrunkRow | OutboundTrunkRow | DispatchRuleRow


async def add(session: AsyncSession, row: Row) -> None:
    """A new row."""
    session.add(row)
    await session.flush()


async def get(session: AsyncSession, kind: type[Row], external_id: str) -> Row | None:
    """One row of that kind."""
    row: Row | None = await session.get(kind, external_id)
    return row


async def find(session: AsyncSession, kind: type[Row], marker: str) -> str | None:
    """The id of the row that carries the marker."""
    found: str | None = await session.scalar(select(kind.id).where(kind.marker == marker))
    return found


async def remove(session: AsyncSession, kind: type[Row], external_id: str) -> None:
    """Delete the row; none is fine."""
    await session.execute(delete(kind).where(kind.id == external_id))


async def of_phones(session: AsyncSession, phone_ids: Collection[str]) -> Sequence[tuple[str, InboundTrunkRow]]:
    """The inbound trunks whose dispatch rules serve these numbers."""
    statement = (
        select(DispatchRuleRow.phone_id, InboundTrunkRow)
        .join(InboundTrunkRow, InboundTrunkRow.id == DispatchRuleRow.trunk_id)
        .where(DispatchRuleRow.phone_id.in_(phone_ids))
    )
    return [(phone_id, trunk) for phone_id, trunk in await session.execute(statement)]


async def addresses(session: AsyncSession) -> Sequence[str]:
    """Every network that some trunk allows, once."""
    statement = select(func.unnest(InboundTrunkRow.allowed_addresses)).distinct()
    return (await session.scalars(statement)).all()


async def any_login(session: AsyncSession) -> bool:
    """Does some inbound trunk have a user name?"""
    statement = select(InboundTrunkRow.id).where(InboundTrunkRow.auth_username.is_not(None)).limit(1)
    return await session.scalar(statement) is not None
