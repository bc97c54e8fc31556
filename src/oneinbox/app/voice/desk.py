"""The desk of a voice worker: checks each arriving call's ticket, runs its conversation, and sees to its record."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from oneinbox.app.running import DATABASE_AWAY
from oneinbox.app.tickets import TicketBooth
from oneinbox.app.voice.journal import Journal, patient
from oneinbox.contracts.events import CallEvent
from oneinbox.contracts.media import CALL_ID_HEADER, TICKET_HEADER, CallLeg
from oneinbox.contracts.plan import CallPlan
from oneinbox.contracts.speech import Recorder
from oneinbox.features.calls import service as calls
from oneinbox.features.calls.events import Fact
from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database

START_SECONDS = 0.8
"""Below the second that the edge waits for a worker's first answer."""

Converse = Callable[[CallPlan, CallLeg, Recorder | None, Callable[[CallEvent], None], asyncio.Event], Awaitable[None]]
"""The conversation of one call: plan, leg, recorder, emit, and the event that asks to hang up (api_stop)."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Carried:
    """A call that this worker has."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)


class Desk:
    """Takes calls from the media plane; `carried` holds those that have not ended."""

    def __init__(
        self,
        worker_id: str,
        database: Database,
        clock: Clock,
        booth: TicketBooth,
        converse: Converse,
        recorder: Callable[[CallPlan, CallLeg], Recorder | None],
    ) -> None:
        self.worker_id = worker_id
        self.carried: dict[str, Carried] = {}
        self._database = database
        self._clock = clock
        self._booth = booth
        self._converse = converse
        self._recorder = recorder

    async def take(self, leg: CallLeg) -> None:
        """Carry one call from its INVITE to its terminal event; one without a good ticket is rejected."""
        call_id = leg.headers.get(CALL_ID_HEADER, "")
        if not self._booth.admit(leg.headers.get(TICKET_HEADER, ""), call_id, self._clock.now()):
            _log.warning("ticket_refused", call_id=call_id)
            await leg.reject()
            return
        plan = await self._start(call_id)
        if plan is None:
            await leg.reject()
            return
        self.carried[call_id] = carried = Carried()
        try:
            await self._carry(plan, leg, carried)
        finally:
            del self.carried[call_id]
            carried.finished.set()

    async def empty(self, seconds: float) -> bool:
        """Wait until no call is carried, for so long at most; whether none is."""
        try:
            async with asyncio.timeout(seconds):
                while self.carried:
                    await next(iter(self.carried.values())).finished.wait()
        except TimeoutError:
            return False
        return True

    def stop(self, call_id: str) -> None:
        """Someone asked to end this call."""
        if carried := self.carried.get(call_id):
            carried.stop.set()

    async def _start(self, call_id: str) -> CallPlan | None:
        try:
            async with asyncio.timeout(START_SECONDS):
                async for attempt in patient(START_SECONDS):
                    with attempt:
                        async with self._database.transaction() as session:
                            plan = await calls.start(session, call_id, self.worker_id)
        except (*DATABASE_AWAY, TimeoutError) as error:
            _log.warning("call_not_started", call_id=call_id, reason=type(error).__name__)
            return None
        return plan

    async def _carry(self, plan: CallPlan, leg: CallLeg, carried: Carried) -> None:
        journal = Journal(self._writer(plan.call_id, carried), self._clock)
        async with asyncio.TaskGroup() as group:
            group.create_task(journal.keep(), name=f"journal {plan.call_id}")
            began = self._clock.monotonic()
            try:
                await self._converse(plan, leg, self._recorder(plan, leg), journal.emit, carried.stop)
            except Exception as error:  # noqa: BLE001 (whatever breaks in a call, the call must end)
                _log.error("call_broke_off", call_id=plan.call_id, exc_info=error)
            finally:
                elapsed_ms = round((self._clock.monotonic() - began) * 1000)
                journal.break_off(elapsed_ms, "The conversation broke off.")
                await leg.hang_up()

    def _writer(self, call_id: str, carried: Carried) -> Callable[..., Awaitable[bool]]:
        async def write(facts: Sequence[Fact]) -> bool:
            async with self._database.transaction() as session:
                open_still = await calls.append(session, call_id, facts)
            if not open_still:
                carried.stop.set()
            return open_still

        return write
