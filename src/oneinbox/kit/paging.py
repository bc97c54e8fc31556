"""Offset pages and cursor pages: one envelope each for every list."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Generic, Protocol, TypeVar

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel
from sqlalchemy import Integer, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from oneinbox.kit.errors import BadRequest
from oneinbox.kit.signing import sign

T = TypeVar("T")


class Identified(Protocol):
    """Whatever has an id."""

    @property
    def id(self) -> str: ...


Row = TypeVar("Row", bound=Identified)
Limit = Annotated[int, Ge(1), Le(100)]
Cursor = Annotated[str, MinLen(1), MaxLen(200)]
SIGNATURE_LENGTH = 32
Offset = Annotated[int, Ge(0), Le(2**31 - 1)]


class PaginatedResponse(BaseModel, Generic[T]):
    """Newest first."""

    items: list[T]
    total: int
    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list, and how long the whole is."""

    items: Sequence[T]
    total: int


class OffsetPages(Generic[T]):
    """Pages of these rows, the greatest id first, each in one statement with how many there are in all."""

    def __init__(self, rows: Select[T], row_id: InstrumentedAttribute[str]) -> None:
        self._total = select(func.count()).select_from(rows.subquery())
        newest_first = rows.add_columns(self._total.scalar_subquery()).order_by(row_id.desc())
        self._page = newest_first.limit(bindparam("limit", type_=Integer)).offset(bindparam("offset", type_=Integer))

    async def read(self, session: AsyncSession, limit: int, offset: int, **values: object) -> Page[T]:
        """One page; `values` are those of the rows' parameters."""
        found = (await session.execute(self._page, {**values, "limit": limit, "offset": offset})).all()
        if found:
            return Page([row for row, _ in found], found[0][1])
        return Page([], (await session.scalar(self._total, values) or 0) if offset else 0)


class CursorPage(BaseModel, Generic[T]):
    """Newest first; the next page begins where this one ends, however many are added meanwhile."""

    items: list[T]
    next_cursor: str | None
    has_more: bool
    limit: int


class CursorInvalid(BadRequest):
    """The cursor is none that this list gave to this workspace."""

    code = "CURSOR_INVALID"


@dataclass(frozen=True, slots=True)
class Cursors:
    """The cursors of one list of one workspace, signed with `key`: opaque, and of use nowhere else."""

    key: bytes = field(repr=False)
    name: str
    workspace_id: str

    def read(self, cursor: str | None) -> str | None:
        """The id behind which a page begins; None for the first page. Raises CursorInvalid."""
        if cursor is None:
            return None
        last_id = cursor.rpartition(".")[0]
        if not hmac.compare_digest(self._write(last_id).encode(), cursor.encode()):
            raise CursorInvalid("This cursor was not given by this list: begin without one.")
        return last_id

    def cut(self, found: Sequence[Row], limit: int) -> tuple[Sequence[Row], str | None]:
        """A page, of up to `limit` + 1 rows that were found, and the cursor behind it when there are more."""
        page = found[:limit]
        return page, self._write(page[-1].id) if len(found) > limit else None

    def _write(self, last_id: str) -> str:
        return f"{last_id}.{sign(self.key, 'cursor', self.name, self.workspace_id, last_id)[:SIGNATURE_LENGTH]}"
