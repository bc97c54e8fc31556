"""Runs written-ahead steps: what is about to be done is committed before it is done, and what was done right after."""

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncSession
from tenacity import AsyncRetrying, retry_if_not_exception_type, stop_after_attempt, wait_exponential

from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database
from oneinbox.kit.errors import OneInboxError
from oneinbox.kit.ids import new_id
from oneinbox.kit.steps import Operation, OperationState, OperationStep, Results, Step, StepState

UNDO_TRIES = 3

_log = structlog.get_logger(__name__)


class StepRunner:
    """Runs operations on the database; each step in a transaction that also announces the next."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self, kind: str, workspace_id: str, resource_id: str, steps: Sequence[Step]) -> Results:
        """Do all steps in order. When one fails, undo what was done in reverse and raise its error.

        A caller that goes away does not stop it half-way.
        """
        operation = _Operation(self._database, self._clock, new_id(), steps)
        task = asyncio.create_task(operation.run(kind, workspace_id, resource_id), name=f"{kind} {resource_id}")
        return await asyncio.shield(task)


class _Operation:
    """One run."""

    def __init__(self, database: Database, clock: Clock, operation_id: str, steps: Sequence[Step]) -> None:
        self._database, self._clock, self._id, self._steps = database, clock, operation_id, steps
        self._results: dict[str, str | None] = {}

    async def run(self, kind: str, workspace_id: str, resource_id: str) -> Results:
        row = {"id": self._id, "workspace_id": workspace_id, "kind": kind, "resource_id": resource_id}
        async with self._database.transaction() as session:
            await session.execute(insert(Operation).values(**row, state=OperationState.RUNNING))
            await self._announce(session, 0)
        for seq, step in enumerate(self._steps):
            try:
                await self._do(seq, step)
            except Exception as error:
                await self._undo_from(seq, error)
                raise
        return self._results

    async def _do(self, seq: int, step: Step) -> None:
        async with self._database.transaction() as session:
            done = await step.do(session, self._results)
            await self._mark(session, seq, StepState.DONE, done)
            if seq + 1 < len(self._steps):
                await self._announce(session, seq + 1)
            else:
                await self._close(session, OperationState.DONE, None)
        self._results[step.name] = done

    async def _undo_from(self, failed: int, error: Exception) -> None:
        """The step that failed may have worked without our hearing of it: it is looked for and undone first."""
        code = error.code if isinstance(error, OneInboxError) else OneInboxError.code
        try:
            for seq in range(failed, -1, -1):
                await self._undo(seq, was_done=seq < failed)
        except Exception as failure:  # noqa: BLE001 - the first error is the caller's; this one is the operator's
            _log.error("undo_failed", operation_id=self._id, reason=type(failure).__name__, exc_info=failure)
            await self._give_up(code)
            return
        async with self._database.transaction() as session:
            await self._close(session, OperationState.UNDONE, code)

    async def _undo(self, seq: int, *, was_done: bool) -> None:
        step = self._steps[seq]
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(UNDO_TRIES),
            wait=wait_exponential(multiplier=0.1, max=1.0),
            retry=retry_if_not_exception_type(asyncio.CancelledError),
            reraise=True,
        ):
            with attempt:
                async with self._database.transaction() as session:
                    await self._undo_once(session, seq, step, was_done=was_done)

    async def _undo_once(self, session: AsyncSession, seq: int, step: Step, *, was_done: bool) -> None:
        external_id = self._results.get(step.name)
        if not was_done:
            external_id = await step.find(session, self._results) if step.find else None
        if step.undo and (was_done or external_id is not None):
            await step.undo(session, external_id)
        await self._mark(session, seq, StepState.UNDONE if was_done or external_id else StepState.FAILED, external_id)

    async def _give_up(self, code: str) -> None:
        try:
            async with self._database.transaction() as session:
                await self._close(session, OperationState.FAILED, code)
        except Exception as failure:  # noqa: BLE001 - the operation stays `running` in the record, as it was
            _log.error("operation_left_open", operation_id=self._id, reason=type(failure).__name__)

    async def _announce(self, session: AsyncSession, seq: int) -> None:
        row = {"operation_id": self._id, "seq": seq, "name": self._steps[seq].name, "state": StepState.SENDING}
        await session.execute(insert(OperationStep).values(**row))

    async def _mark(self, session: AsyncSession, seq: int, state: StepState, external_id: str | None) -> None:
        step = update(OperationStep).where(OperationStep.operation_id == self._id, OperationStep.seq == seq)
        await session.execute(step.values(state=state, external_id=external_id, updated_at=self._clock.now()))

    async def _close(self, session: AsyncSession, state: OperationState, code: str | None) -> None:
        operation = update(Operation).where(Operation.id == self._id)
        await session.execute(operation.values(state=state, error_code=code, updated_at=self._clock.now()))
