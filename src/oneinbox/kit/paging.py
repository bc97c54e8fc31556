"""Offset pages and cursor pages: one envelope each for every list."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel

from oneinbox.kit.errors import BadRequest
from oneinbox.kit.signing import sign

T = TypeVar("T")
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


class CursorPage(BaseModel, Generic[T]):
    """Newest first; the next page begins where this one ends, however many are added meanwhile."""

    items: list[T]
    next_cursor: str | None
    has_more: bool
    limit: int


class CursorInvalid(BadRequest):
    """The cursor is none that this list gave to this workspace."""

    code = "CURSOR_INVALID"


def write_cursor(key: bytes, name: str, workspace_id: str, last_id: str) -> str:
    """A cursor behind `last_id` in the list of that name: opaque, and of use in that workspace only."""
    return f"{last_id}.{sign(key, 'cursor', name, workspace_id, last_id)[:SIGNATURE_LENGTH]}"


def read_cursor(key: bytes, name: str, workspace_id: str, cursor: str) -> str:
    """The id that `write_cursor` was given. Raises CursorInvalid."""
    last_id = cursor.rpartition(".")[0]
    if not hmac.compare_digest(write_cursor(key, name, workspace_id, last_id).encode(), cursor.encode()):
        raise CursorInvalid("This cursor was not given by this list: begin without one.")
    return last_id
