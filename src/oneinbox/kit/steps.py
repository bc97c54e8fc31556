"""Written-ahead steps: effects outside the database that are found again after a crash, or undone."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import DateTime, ForeignKey, Integer, String, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from oneinbox.kit.db import Base

Results = Mapping[str, str | None]
"""What the steps so far gave, by their names."""

Deed = Callable[[AsyncSession, Results], Awaitable[str | None]]
Undoing = Callable[[AsyncSession, str | None], Awaitable[None]]


class OperationState(StrEnum):
    """How far an operation is."""

    RUNNING = "running"
    DONE = "done"
    UNDONE = "undone"
    FAILED = "failed"


class StepState(StrEnum):
    """How far a step is. `sending` is committed before the effect, `done` after it."""

    SENDING = "sending"
    DONE = "done"
    UNDONE = "undone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One effect. `do` gives its external id; `find` looks for an effect whose answer was lost; `undo` takes it back.

    The session is for effects in our own database: they are committed together with the record that they are done.
    """

    name: str
    do: Deed
    find: Deed | None = None
    undo: Undoing | None = None


class Steps(Protocol):
    """Runs steps in order, each in its own transactions; when one fails, undoes in reverse and raises its error."""

    async def run(self, kind: str, workspace_id: str, resource_id: str, steps: Sequence[Step]) -> Results: ...


class Operation(Base):
    """One run of steps on one resource."""

    __tablename__ = "operations"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String, index=True)
    kind: Mapped[str] = mapped_column(String)
    resource_id: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String)
    error_code: Mapped[str | None] = mapped_column(String)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class OperationStep(Base):
    """One step of an operation."""

    __tablename__ = "operation_steps"

    operation_id: Mapped[str] = mapped_column(String, ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String)
    external_id: Mapped[str | None] = mapped_column(String)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
