"""Runs written-ahead steps: what is about to be done is committed before it is done, and what was done right after.

Who dies, or loses the database, leaves its operation open; it is resumed from the queue once its lease is over.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
    wait_fixed,
)

from oneinbox.app.ledger import Claim, Fault, Ledger, OperationElsewhere, Queue
from oneinbox.app.running import DATABASE_AWAY
from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database
from oneinbox.kit.errors import Conflict, ProviderError
from oneinbox.kit.sealing import Sealer
from oneinbox.kit.steps import OPEN, Ending, Operation, OperationState, Results, Step, StepState, Work

UNDO_TRIES = 3
RESOURCE_WAIT_SECONDS, SETTLE_SECONDS, RESOURCE_POLL_SECONDS = 10.0, 30.0, 0.05
GIVE_UP_AFTER = timedelta(hours=24)
"""From the beginning of an operation until nobody tries any more to finish or undo it."""

Remake = Callable[[Operation, str | None], Work]
"""Makes the work of an operation again from what was asked for; without that, work that can only be given up."""

_log = structlog.get_logger(__name__)


class OperationInProgress(Conflict):
    """Something else is being done to the resource, and does not come to an end."""

    code = "OPERATION_IN_PROGRESS"


class StepRunner:
    """Runs operations on the database; each step in a transaction that also announces the next.

    At most half as many at once as the pool has connections, because steps may need another one themselves. Others wait
    before they are begun: no lease runs out while its operation waits for a place.
    """

    def __init__(self, database: Database, clock: Clock, sealer: Sealer, queue: Queue) -> None:
        self._ledger = Ledger(database, clock, sealer, queue)
        self._clock = clock
        self._places = asyncio.Semaphore(max(1, database.pool_size // 2))

    async def run(self, work: Work) -> Results:
        """Do all steps in order. When one fails, undo what was done in reverse and raise its error.

        A caller that goes away does not stop it half-way. Raises OperationInProgress when the resource stays busy.
        """
        task = asyncio.create_task(self._run(work), name=f"{work.kind} {work.resource_id}")
        return await asyncio.shield(task)

    async def settle(self, resource_id: str) -> bool:
        """Return when nothing is being done to the resource: whether the last thing was done to its end.

        Raises OperationInProgress when that takes too long.
        """
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while (last := await self._ledger.last_state(resource_id)) in OPEN:  # noqa: ASYNC110 (ended elsewhere)
                    await asyncio.sleep(RESOURCE_POLL_SECONDS)
        except TimeoutError:
            raise _busy() from None
        return last == OperationState.DONE

    async def resume(self, operation_id: str, remake: Remake) -> bool:
        """Carry on an operation that nobody works on. Returns whether it is over; else it is worth another try."""
        async with self._places:
            return await self._resume(operation_id, remake)

    async def _resume(self, operation_id: str, remake: Remake) -> bool:
        claim = await self._ledger.claim(operation_id)
        if claim is None:
            return not await self._ledger.is_open(operation_id)
        operation = claim.operation
        _log.warning("operation_resumed", operation_id=operation_id, kind=operation.kind, state=operation.state)
        try:
            work = remake(operation, self._ledger.request_of(operation))
            await self._carry_on(_Run(self._ledger, operation_id, work, None), claim)
        except DATABASE_AWAY:
            raise
        except Exception as error:  # noqa: BLE001 (whatever a step raises is written down, and tried again or given up)
            return await self._again_later(operation, remake, error)
        return True

    async def _carry_on(self, run: "_Run", claim: Claim) -> None:
        run.results |= {row.name: row.external_id for row in claim.steps if row.state == StepState.DONE}
        if claim.operation.state == OperationState.UNDOING:
            await run.undo([(row.seq, StepState(row.state), row.external_id) for row in claim.steps])
        else:
            await run.forward(claim.steps[-1].seq, look_first=True)

    async def _again_later(self, operation: Operation, remake: Remake, error: Exception) -> bool:
        if not await self._ledger.is_open(operation.id):
            return True
        _log.warning("operation_stuck", operation_id=operation.id, reason=type(error).__name__)
        if self._clock.now() - operation.created_at > GIVE_UP_AFTER:
            await _Run(self._ledger, operation.id, remake(operation, None), None).give_up()
            return True
        await self._ledger.release(operation.id)
        return False

    async def _run(self, work: Work) -> Results:
        waiting = AsyncRetrying(
            stop=stop_after_delay(RESOURCE_WAIT_SECONDS),
            wait=wait_fixed(RESOURCE_POLL_SECONDS),
            retry=retry_if_result(lambda results: results is None),
            retry_error_callback=lambda _: None,
        )
        results: Results | None = await waiting(self._run_alone, work)
        if results is None:
            raise _busy()
        return results

    async def _run_alone(self, work: Work) -> Results | None:
        """What the steps gave; None while something else is being done to the resource."""
        async with self._places:
            opened = await self._ledger.open(work)
            if opened is None:
                return None
            run = _Run(self._ledger, opened[0], work, opened[1])
            await run.forward(0, look_first=False)
            return run.results


class _Run:
    """One runner's work on one operation. `job` waits in the queue for the case that this runner dies."""

    def __init__(self, ledger: Ledger, operation_id: str, work: Work, job: int | None) -> None:
        self.operation_id = operation_id
        self.results: dict[str, str | None] = {}
        self._ledger, self._work, self._job = ledger, work, job
        self._error: Exception | None = None

    async def forward(self, first: int, *, look_first: bool) -> None:
        """Do the steps from `first` on; `look_first` for whether that one was done already.

        The first error turns the operation back, and is raised once everything is undone or left to be undone.
        """
        for seq in range(first, len(self._work.steps)):
            try:
                await self._do(seq, look_first=look_first and seq == first)
            except (OperationElsewhere, *DATABASE_AWAY):
                raise
            except Exception as error:
                await self._fail(seq, error)
                raise

    async def undo(self, steps: list[tuple[int, StepState, str | None]]) -> None:
        """Take back, last first, whatever of these steps (number, state, external id) was or may have been done."""
        for seq, state, external_id in reversed(steps):
            if state in (StepState.SENDING, StepState.DONE):
                await self._undo(seq, external_id, was_done=state is StepState.DONE)
        async with self._ledger.turn(self.operation_id) as session:
            await self._close(session, OperationState.UNDONE)

    async def give_up(self) -> None:
        """Nobody will try any more."""
        async with self._ledger.turn(self.operation_id) as session:
            if self._work.give_up is not None:
                await self._work.give_up(session, self.results)
            await self._close(session, OperationState.FAILED)

    async def _close(self, session: AsyncSession, state: OperationState) -> None:
        if self._work.ended is not None:
            await self._work.ended(session, Ending(self._work.resource_id, state, self._error))
        await self._ledger.close(session, self.operation_id, state, self._job)

    async def _do(self, seq: int, *, look_first: bool) -> None:
        """Try a step; an engine that can be asked again is asked again, once, after a look whether it did it."""
        try:
            await self._do_once(seq, look_first=look_first)
        except ProviderError as error:
            if not error.retryable:
                raise
            _log.warning("step_tried_again", operation_id=self.operation_id, step=self._work.steps[seq].name)
            await self._do_once(seq, look_first=True)

    async def _do_once(self, seq: int, *, look_first: bool) -> None:
        step = self._work.steps[seq]
        async with self._ledger.brief_turn(self.operation_id) as session:
            done = await _found(session, step, self.results) if look_first else None
            if done is None:
                done = await step.do(session, self.results)
            if seq + 1 < len(self._work.steps):
                await self._ledger.advance(session, self.operation_id, seq, done, self._work.steps[seq + 1])
            else:
                await self._ledger.mark(session, self.operation_id, seq, StepState.DONE, done)
                await self._close(session, OperationState.DONE)
        self.results[step.name] = done

    async def _fail(self, seq: int, error: Exception) -> None:
        self._error, fault = error, Fault.of(error)
        onward = self._work.onward and seq > 0
        async with self._ledger.turn(self.operation_id) as session:
            await self._ledger.blame(session, self.operation_id, seq, fault)
            if not onward:
                await self._ledger.turn_back(session, self.operation_id, fault)
        _tell(error, self.operation_id)
        if onward:
            await self._ledger.release(self.operation_id)
            return
        steps = [(done, StepState.DONE, self.results[self._work.steps[done].name]) for done in range(seq)]
        try:
            await self.undo([*steps, (seq, StepState.SENDING, None)])
        except Exception as failure:  # noqa: BLE001 - the first error is the caller's; the queue goes on with this one
            _log.error("undo_left_open", operation_id=self.operation_id, reason=type(failure).__name__)

    async def _undo(self, seq: int, external_id: str | None, *, was_done: bool) -> None:
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(UNDO_TRIES),
            wait=wait_exponential(multiplier=0.1, max=1.0),
            retry=retry_if_exception(lambda error: isinstance(error, Exception)),
            reraise=True,
        ):
            with attempt:
                async with self._ledger.turn(self.operation_id) as session:
                    await self._undo_once(session, seq, external_id, was_done=was_done)

    async def _undo_once(self, session: AsyncSession, seq: int, external_id: str | None, *, was_done: bool) -> None:
        """A step that failed may have worked without our hearing of it: it is looked for first."""
        step = self._work.steps[seq]
        if not was_done:
            external_id = await _found(session, step, self.results)
        there = was_done or external_id is not None
        if step.undo and (there or step.find is None):
            await step.undo(session, external_id)
        state = StepState.UNDONE if there else StepState.FAILED
        await self._ledger.mark(session, self.operation_id, seq, state, external_id)


def _busy() -> OperationInProgress:
    return OperationInProgress("Something else is being done to it; try again in a few seconds.")


async def _found(session: AsyncSession, step: Step, results: Results) -> str | None:
    return await step.find(session, results) if step.find else None


def _tell(error: Exception, operation_id: str) -> None:
    """Whoever meets an engine's failure is told where its steps can be seen."""
    if isinstance(error, ProviderError):
        error.args = (f"{error} Its steps are shown by operation {operation_id}.", *error.args[1:])
