"""Queries on phone numbers; deleted ones are never among them."""

from collections.abc import Collection, Sequence

from sqlalchemy import String, any_, bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from oneinbox.features.phone_numbers.models import PhoneNumber
from oneinbox.kit.paging import OffsetPages, Page

PROVISIONING = "provisioning"
"""From its reservation until it goes into service."""

_OWN = select(PhoneNumber).where(
    PhoneNumber.workspace_id == bindparam("workspace_id"), PhoneNumber.deleted_at.is_(None)
)
_ONE = _OWN.where(PhoneNumber.id == bindparam("phone_id"))
_ID_OF = _OWN.where(PhoneNumber.phone_number == bindparam("number")).with_only_columns(PhoneNumber.id)
_ADDED = (
    insert(PhoneNumber)
    .on_conflict_do_nothing(index_elements=[PhoneNumber.phone_number], index_where=PhoneNumber.deleted_at.is_(None))
    .returning(PhoneNumber.id)
)
_UNREAD = [defer(column, raiseload=True) for column in (PhoneNumber.provider_config, PhoneNumber.sealed_config)]
_PAGES = OffsetPages(_OWN.options(*_UNREAD), PhoneNumber.id)


class PhoneNumberRepository:
    """The numbers of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        self._session = session
        self._workspace_id = workspace_id

    async def get(self, phone_id: str, *, lock: bool = False) -> PhoneNumber | None:
        """One number; with `lock` held until the transaction ends, so that changes don't undo one another."""
        which = {"workspace_id": self._workspace_id, "phone_id": phone_id}
        return await self._session.scalar(_ONE.with_for_update() if lock else _ONE, which)

    async def page(self, limit: int, offset: int) -> Page[PhoneNumber]:
        """Newest first, without their configuration."""
        return await _PAGES.read(self._session, limit, offset, workspace_id=self._workspace_id)

    async def id_of(self, number: str) -> str | None:
        """The id of this workspace's registration of the number."""
        return await self._session.scalar(_ID_OF, {"workspace_id": self._workspace_id, "number": number})

    async def add(self, values: dict[str, object]) -> bool:
        """A new registration with these columns, unless the number has one."""
        added = _ADDED.values(workspace_id=self._workspace_id, **values)
        return await self._session.scalar(added) is not None

    async def change(self, phone_id: str, values: dict[str, object]) -> None:
        """Write these columns."""
        statement = update(PhoneNumber).where(
            PhoneNumber.workspace_id == self._workspace_id, PhoneNumber.id == phone_id
        )
        await self._session.execute(statement.values(**values))

    async def forget(self, phone_id: str) -> None:
        """Remove a registration that came to nothing; one that came about stays."""
        statement = delete(PhoneNumber).where(
            PhoneNumber.workspace_id == self._workspace_id,
            PhoneNumber.id == phone_id,
            PhoneNumber.status == PROVISIONING,
        )
        await self._session.execute(statement)


async def live(session: AsyncSession, numbers: Collection[str]) -> Sequence[PhoneNumber]:
    """Live registrations of these numbers in any workspace, for the edge."""
    wanted = PhoneNumber.phone_number == any_(literal(list(numbers), ARRAY(String)))
    statement = select(PhoneNumber).where(wanted, PhoneNumber.deleted_at.is_(None))
    return (await session.scalars(statement)).all()


async def neighbours(session: AsyncSession, number: str, most: int) -> Sequence[PhoneNumber]:
    """Live registrations that stand next to this number in order, at most `most` on either side."""
    alive = select(PhoneNumber).where(PhoneNumber.deleted_at.is_(None))
    below = alive.where(PhoneNumber.phone_number <= number).order_by(PhoneNumber.phone_number.desc()).limit(most)
    above = alive.where(PhoneNumber.phone_number > number).order_by(PhoneNumber.phone_number).limit(most)
    return [*await session.scalars(below), *await session.scalars(above)]


async def released(session: AsyncSession, numbers: Collection[str]) -> PhoneNumber | None:
    """The registration of one of these numbers that was deleted last."""
    gone = select(PhoneNumber).where(PhoneNumber.phone_number.in_(numbers), PhoneNumber.deleted_at.is_not(None))
    return await session.scalar(gone.order_by(PhoneNumber.deleted_at.desc()).limit(1))


async def owners(session: AsyncSession) -> set[str]:
    """The first and the last workspace, by id, that have ever registered a number."""
    ends = select(func.min(PhoneNumber.workspace_id), func.max(PhoneNumber.workspace_id))
    return {one for one in (await session.execute(ends)).one() if one}
