"""Written-ahead steps: effects outside the database that are found again after a crash, or undone."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import Boolean, DateTime, ForeignKey, Index, Integer, String, false, func, text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from oneinbox.kit.db import Base

Results = Mapping[str, str | None]
"""What the steps so far gave, by their names."""

Deed = Callable[[AsyncSession, Results], Awaitable[str | None]]
Undoing = Callable[[AsyncSession, str | None], Awaitable[None]]


class OperationState(StrEnum):
    """How far an operation is. The first two are open: somebody works on it, or will."""

    RUNNING = "running"
    UNDOING = "undoing"
    DONE = "done"
    UNDONE = "undone"
    FAILED = "failed"
    """It could neither be finished nor undone."""


OPEN = (OperationState.RUNNING, OperationState.UNDOING)


class StepState(StrEnum):
    """How far a step is. `sending` is committed before the effect, `done` after it; `failed` left nothing to undo."""

    SENDING = "sending"
    DONE = "done"
    UNDONE = "undone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ending:
    """How an operation on a resource ends. `error` is what its caller is told, where that is known."""

    resource_id: str
    state: OperationState
    error: Exception | None = None


Ended = Callable[[AsyncSession, Ending], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """One effect. `do` gives its external id; `find` looks for an effect whose answer was lost; `undo` takes it back.

    The session is for effects in our own database: they are committed together with the record that they are done.
    Without `find`, `do` may be done twice, and `undo` is harmless when nothing was done.
    """

    name: str
    do: Deed
    find: Deed | None = None
    undo: Undoing | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """Steps on one resource, on which nothing else is done meanwhile.

    `request` is what the steps can be made from again; it is kept sealed while the operation is open. Work that goes
    `onward` is never undone once its first step is done: what fails is tried again later. `give_up` is done when the
    operation fails for good. `require` is looked at first: when it raises, no operation is begun. `deed` is what the
    audit trail says of the request, kept while the operation is open; `ended` is done in the transaction that closes
    the operation.
    """

    kind: str
    workspace_id: str
    resource_id: str
    request: str = field(repr=False)
    steps: Sequence[Step]
    onward: bool = False
    give_up: Deed | None = None
    require: Callable[[AsyncSession], Awaitable[None]] | None = None
    deed: str | None = None
    ended: Ended | None = None


class Steps(Protocol):
    """Runs work, each step in its own transactions; when one fails, undoes in reverse and raises its error."""

    async def run(self, work: Work) -> Results:
        """What the steps gave. A caller that goes away does not stop them half-way."""
        ...

    async def settle(self, resource_id: str) -> bool:
        """Return when nothing is being done to the resource, also by who resumes what a crash has left.

        Whether what was done to it last was done to its end.
        """
        ...


class Operation(Base):
    """One run of steps on one resource. `runner` works on it, and nobody else does before `leased_until`.

    `deed` is what the audit trail is to say of its request, `answered` whether that one was told of an error already.
    """

    __tablename__ = "operations"
    __table_args__ = (
        Index("ix_operations_resource", "workspace_id", "resource_id", "id"),
        Index(
            "uq_operations_open", "resource_id", unique=True, postgresql_where=text("state IN ('running', 'undoing')")
        ),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String, index=True)
    kind: Mapped[str] = mapped_column(String)
    resource_id: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String)
    error_code: Mapped[str | None] = mapped_column(String)
    error: Mapped[str | None] = mapped_column(String)
    request: Mapped[bytes | None] = mapped_column(BYTEA)
    deed: Mapped[str | None] = mapped_column(String)
    answered: Mapped[bool] = mapped_column(Boolean, server_default=false())
    runner: Mapped[str | None] = mapped_column(String)
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class OperationStep(Base):
    """One step of an operation. `error` is why it was not done at the first try, or not undone."""

    __tablename__ = "operation_steps"

    operation_id: Mapped[str] = mapped_column(String, ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String)
    external_id: Mapped[str | None] = mapped_column(String)
    error_code: Mapped[str | None] = mapped_column(String)
    error: Mapped[str | None] = mapped_column(String)
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
