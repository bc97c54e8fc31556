"""What is written down about operations: who works on which, what has been done, and what was asked for, sealed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, cast

from sqlalchemy import Table, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database
from oneinbox.kit.errors import OneInboxError, Unavailable
from oneinbox.kit.ids import new_id
from oneinbox.kit.sealing import Sealer
from oneinbox.kit.steps import OPEN, Operation, OperationState, OperationStep, Step, StepState, Work

LEASE = timedelta(seconds=6)
"""Longer than any media plane is waited for, so that nobody takes an operation over whose step may be under way."""
REQUEST = "request"
OPERATIONS, STEPS = cast(Table, Operation.__table__), cast(Table, OperationStep.__table__)

_OURS = (
    select(OPERATIONS.c.id)
    .where(OPERATIONS.c.id == bindparam("operation"), OPERATIONS.c.runner == bindparam("by"))
    .where(OPERATIONS.c.state.in_(OPEN))
    .with_for_update()
)
_LEASED = (
    update(OPERATIONS)
    .where(OPERATIONS.c.id == bindparam("operation"), OPERATIONS.c.state.in_(OPEN))
    .values(runner=bindparam("by"), leased_until=func.clock_timestamp() + bindparam("time"))
)
_MARKED = (
    update(STEPS)
    .where(STEPS.c.operation_id == bindparam("operation"), STEPS.c.seq == bindparam("step"))
    .values(state=bindparam("reached"), external_id=bindparam("found"), updated_at=bindparam("now"))
)
_ANNOUNCED = insert(STEPS).values(
    operation_id=bindparam("operation"),
    seq=bindparam("following"),
    name=bindparam("title"),
    state=StepState.SENDING,
    started_at=bindparam("now"),
)
_ADVANCED = _LEASED.add_cte(_MARKED.cte("marked"), _ANNOUNCED.cte("announced"))
_CLOSED = (
    update(OPERATIONS)
    .where(OPERATIONS.c.id == bindparam("operation"))
    .values(
        state=bindparam("end"), request=None, deed=None, runner=None, leased_until=None, updated_at=bindparam("now")
    )
)


class OperationElsewhere(Unavailable):
    """Another process has taken the operation over and carries it on."""

    code = "OPERATION_GOES_ON"


class Queue(Protocol):
    """Where an operation waits in case that nobody works on it any more."""

    async def defer(self, session: AsyncSession, operation_id: str, wait: timedelta) -> int:
        """Once `session` is committed it will be resumed after `wait`, unless the job returned here is cancelled."""
        ...

    async def cancel(self, session: AsyncSession, job: int) -> None:
        """It needn't be resumed."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """An open operation that is ours now, and its steps so far, in order."""

    operation: Operation
    steps: Sequence[OperationStep]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something was not done: a code and a sentence."""

    code: str
    sentence: str

    @classmethod
    def of(cls, error: Exception) -> "Fault":
        """Only our own errors' sentences are known to hold no secret."""
        if isinstance(error, OneInboxError):
            return cls(error.code, str(error))
        return cls(OneInboxError.code, f"Something went wrong on our side ({type(error).__name__}).")


class Ledger:
    """Operations as one runner sees them. Whoever works on one holds its row in every transaction."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer, queue: Queue) -> None:
        self._database, self._clock, self._sealer, self._queue = database, clock, sealer, queue
        self._runner = new_id()

    async def open(self, work: Work) -> tuple[str, int] | None:
        """A new operation's id and its job in the queue; None while another on the resource is open.

        Raises what the work's `require` does.
        """
        operation_id = new_id()
        values = {
            "id": operation_id,
            "workspace_id": work.workspace_id,
            "kind": work.kind,
            "resource_id": work.resource_id,
            "state": OperationState.RUNNING,
            "deed": work.deed,
            "runner": self._runner,
            "leased_until": func.clock_timestamp() + LEASE,
            "request": self._sealer.seal(
                work.request, workspace_id=work.workspace_id, row_id=operation_id, field=REQUEST
            ),
        }
        async with self._database.transaction() as session:
            if work.require is not None:
                await work.require(session)
            added = insert(OPERATIONS).values(**values).on_conflict_do_nothing().returning(OPERATIONS.c.id)
            if await session.scalar(added) is None:
                return None
            await session.execute(_ANNOUNCED, self._announcing(operation_id, 0, work.steps[0]))
            return operation_id, await self._queue.defer(session, operation_id, LEASE + timedelta(seconds=1))

    async def claim(self, operation_id: str) -> Claim | None:
        """Take over an open operation that nobody works on. None when somebody does, or when it is closed.

        A lease that ends later than any was ever given is from before the clock was set back: it is over too.
        """
        now = func.clock_timestamp()
        over = or_(Operation.leased_until < now, Operation.leased_until > now + 2 * LEASE)
        free = select(Operation).where(Operation.id == operation_id, Operation.state.in_(OPEN), over)
        async with self._database.transaction() as session:
            operation = await session.scalar(free.with_for_update(skip_locked=True))
            if operation is None:
                return None
            await self._lease(session, operation_id, LEASE)
            steps = select(OperationStep).where(OperationStep.operation_id == operation_id)
            rows = (await session.scalars(steps.order_by(OperationStep.seq))).all()
            return Claim(operation, rows)

    def request_of(self, operation: Operation) -> str:
        """What was asked for, of an open operation. Raises SealingError."""
        assert operation.request is not None, "an open operation has its request"
        return self._sealer.open(
            operation.request, workspace_id=operation.workspace_id, row_id=operation.id, field=REQUEST
        )

    async def is_open(self, operation_id: str) -> bool:
        """Whether there is anything left to do."""
        async with self._database.transaction() as session:
            state = await session.scalar(select(Operation.state).where(Operation.id == operation_id))
        return state in OPEN

    async def last_state(self, resource_id: str) -> str | None:
        """How far the newest operation on the resource is; None when there was none."""
        newest = select(Operation.state).where(Operation.resource_id == resource_id).order_by(Operation.id.desc())
        async with self._database.transaction() as session:
            state: str | None = await session.scalar(newest.limit(1))
        return state

    @asynccontextmanager
    async def turn(self, operation_id: str) -> AsyncIterator[AsyncSession]:
        """A transaction in which the operation is ours, and after which it stays so for the lease.

        Raises OperationElsewhere when it isn't any more.
        """
        async with self.brief_turn(operation_id) as session:
            yield session
            await self._lease(session, operation_id, LEASE)

    @asynccontextmanager
    async def brief_turn(self, operation_id: str) -> AsyncIterator[AsyncSession]:
        """The same for who writes the lease, or the end, with what is done in it."""
        async with self._database.transaction() as session:
            if await session.scalar(_OURS, {"operation": operation_id, "by": self._runner}) is None:
                raise OperationElsewhere(f"This is carried on elsewhere: see operation {operation_id}.")
            yield session

    async def release(self, operation_id: str) -> None:
        """Whoever wants may carry it on from now."""
        async with self._database.transaction() as session:
            await self._lease(session, operation_id, timedelta(0))

    async def advance(
        self, session: AsyncSession, operation_id: str, seq: int, external_id: str | None, following: Step
    ) -> None:
        """The step is done and `following` is about to be, in one statement with the lease."""
        marked = self._marking(operation_id, seq, StepState.DONE, external_id)
        announced = self._announcing(operation_id, seq + 1, following)
        await session.execute(_ADVANCED, marked | announced | self._leasing(operation_id, LEASE))

    async def mark(
        self, session: AsyncSession, operation_id: str, seq: int, state: StepState, external_id: str | None
    ) -> None:
        """How far the step is."""
        await session.execute(_MARKED, self._marking(operation_id, seq, state, external_id))

    async def blame(self, session: AsyncSession, operation_id: str, seq: int, fault: Fault) -> None:
        """Why the step was not done."""
        step = update(STEPS).where(STEPS.c.operation_id == operation_id, STEPS.c.seq == seq)
        values = {"error_code": fault.code, "error": fault.sentence, "updated_at": self._clock.now()}
        await session.execute(step.values(**values))

    async def turn_back(self, session: AsyncSession, operation_id: str, fault: Fault) -> None:
        """From now on the operation is undone, whoever works on it."""
        operation = update(OPERATIONS).where(OPERATIONS.c.id == operation_id)
        values = {"error_code": fault.code, "error": fault.sentence, "updated_at": self._clock.now()}
        await session.execute(operation.values(state=OperationState.UNDOING, **values))

    async def close(
        self, session: AsyncSession, operation_id: str, state: OperationState, job: int | None = None
    ) -> None:
        """It is over: what was asked for is forgotten, and nobody resumes it."""
        await session.execute(_CLOSED, {"operation": operation_id, "end": state, "now": self._clock.now()})
        if job is not None:
            await self._queue.cancel(session, job)

    def _announcing(self, operation_id: str, seq: int, step: Step) -> dict[str, object]:
        return {"operation": operation_id, "following": seq, "title": step.name, "now": self._clock.now()}

    def _marking(self, operation_id: str, seq: int, state: StepState, external_id: str | None) -> dict[str, object]:
        return {
            "operation": operation_id,
            "step": seq,
            "reached": state,
            "found": external_id,
            "now": self._clock.now(),
        }

    def _leasing(self, operation_id: str, time: timedelta) -> dict[str, object]:
        return {"operation": operation_id, "by": self._runner, "time": time}

    async def _lease(self, session: AsyncSession, operation_id: str, time: timedelta) -> None:
        await session.execute(_LEASED, self._leasing(operation_id, time))
