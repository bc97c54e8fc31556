"""Offset pages: one envelope for every list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from annotated_types import Ge, Le
from pydantic import BaseModel

T = TypeVar("T")
Limit = Annotated[int, Ge(1), Le(100)]
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
