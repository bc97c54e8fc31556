"""Admission: one transaction that decides about an INVITE, and one that writes down what became of it."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

import structlog
from oneinbox.app.edge.lines import Line, find_lines, source_is_known
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.app import plans
from oneinbox.app.edge.spelling import candidates
from oneinbox.app.tickets import issue
from oneinbox.contracts.admission import Admitted, Attempt, Cause, Decision, InviteFacts, Refused, WorkerRoute
from oneinbox.contracts.events import EndReason
from oneinbox.contracts.media import CALL_ID_HEADER, TICKET_HEADER
from oneinbox.features.attempts import service as attempts
from oneinbox.features.attempts.schemas import Reached
from oneinbox.features.calls import service as calls
from oneinbox.features.calls.schemas import NewCall
from oneinbox.features.workers import service as workers
from oneinbox.features.workers.schemas import Candidate
from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database
from oneinbox.kit.ids import new_id

DECISION_SECONDS = 1.0
RETRY_AFTER_SECONDS = 5
MOST_REMEMBERED = 10_000

_log = structlog.get_logger(__name__)

END_REASONS = {Cause.CANCELLED: EndReason.CANCELLED, Cause.MEDIA_REFUSED: EndReason.REJECTED}
"""How a call ends that was admitted and never answered; all other causes are the workers'."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A decision, and the number that it is about when one was found."""

    decision: Decision
    line: Line | None = None


class Admission:
    """Decides INVITEs for the edge. `trusted` are sources that may call any number."""

    def __init__(
        self, database: Database, clock: Clock, ticket_key: bytes, trusted: tuple[IPv4Network | IPv6Network, ...]
    ) -> None:
        self._database = database
        self._clock = clock
        self._ticket_key = ticket_key
        self._trusted = trusted
        self._reached: OrderedDict[InviteFacts, Reached] = OrderedDict()
        self._late: set[asyncio.Task[_Answer]] = set()

    async def admit(self, facts: InviteFacts) -> Decision:
        """The decision about one INVITE, within DECISION_SECONDS whatever the database does."""
        deciding = asyncio.create_task(self._decide(facts), name=f"admission {facts.sip_call_id}")
        done, _ = await asyncio.wait({deciding}, timeout=DECISION_SECONDS)
        if not done:
            deciding.cancel()
            self._late.add(deciding)
            deciding.add_done_callback(self._forget)
            return _unavailable("The database did not answer within a second.")
        try:
            answer = deciding.result()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("admission_failed", reason=type(error).__name__)
            return _unavailable("The database is not there.")
        if answer.line is not None:
            self._remember(facts, answer.line)
        return answer.decision

    async def settle(self, attempt: Attempt) -> None:
        """Record the attempt, and end its call when it was never answered. Raises SQLAlchemyError when it can't."""
        reached = self._reached.pop(attempt.facts, None)
        reason = END_REASONS.get(attempt.cause, EndReason.WORKER_ERROR)
        async with self._database.transaction() as session:
            await attempts.record(session, attempt, reached)
            if attempt.call_id is not None and attempt.cause is not Cause.ADMITTED:
                now = self._clock.now()
                await calls.end(session, attempt.call_id, reason, attempt.reason, now, unanswered_only=True)

    async def _decide(self, facts: InviteFacts) -> _Answer:
        async with self._database.transaction() as session:
            lines = await find_lines(session, candidates(facts.dialled))
            admitting = [line for line in lines if self._trusts(facts) or line.admits(facts.source_host)]
            if len(admitting) != 1:
                return _Answer(await self._no_line(session, facts, len(admitting)))
            line = admitting[0]
            return _Answer(await self._answer(session, facts, line), line)

    async def _no_line(self, session: AsyncSession, facts: InviteFacts, found: int) -> Refused:
        if found > 1:
            return Refused(404, Cause.AMBIGUOUS_NUMBER, f"{facts.dialled} can mean {found} registered numbers.")
        if self._trusts(facts) or await source_is_known(session, facts.source_host):
            return Refused(404, Cause.NO_SUCH_NUMBER, f"{facts.dialled} is not registered for calls from this source.")
        reason = f"{facts.source_host} is in no number's allowed addresses and not a trusted source."
        return Refused(403, Cause.SOURCE_NOT_ALLOWED, reason)

    async def _answer(self, session: AsyncSession, facts: InviteFacts, line: Line) -> Decision:
        if line.wants_digest:
            reason = f"{line.number} has an inbound user name, and callers can't be asked for a password yet."
            return Refused(403, Cause.WRONG_PASSWORD, reason)
        if line.status in plans.SWITCHED_OFF:
            return Refused(480, Cause.PAUSED, f"{line.number} is {line.status}.")
        chain = await plans.chain(session, line.workspace_id, line.route)
        if chain.nobody:
            return Refused(480, Cause.NO_AGENT, f"{line.number}: {chain.why} and it has no voicemail message.")
        plan = plans.build(chain, new_id(), line.workspace_id, facts.caller, line.number, self._clock.now())
        weight = plans.weight(plan)
        free = await workers.claim(session, weight)
        if not free:
            reason = "No voice worker has room for one more call."
            return Refused(503, Cause.OVERLOAD, reason, retry_after=RETRY_AFTER_SECONDS)
        new = NewCall(plan, chain.owner_id, line.phone_id, free[0].id, weight, dict(chain.variables))
        await calls.admit(session, new)
        return Admitted(plan.call_id, line.number, tuple(self._route(plan.call_id, one) for one in free))

    def _route(self, call_id: str, worker: Candidate) -> WorkerRoute:
        ticket = issue(self._ticket_key, call_id, worker.id, self._clock.now())
        headers = {CALL_ID_HEADER: call_id, TICKET_HEADER: ticket}
        return WorkerRoute(worker.id, worker.host, worker.sip_port, headers)

    def _trusts(self, facts: InviteFacts) -> bool:
        source = ip_address(facts.source_host)
        return any(source in network for network in self._trusted)

    def _remember(self, facts: InviteFacts, line: Line) -> None:
        self._reached[facts] = Reached(line.number, line.phone_id, line.workspace_id)
        if len(self._reached) > MOST_REMEMBERED:
            self._reached.popitem(last=False)

    def _forget(self, late: asyncio.Task[_Answer]) -> None:
        self._late.discard(late)
        if not late.cancelled() and (error := late.exception()):
            _log.warning("late_admission_failed", reason=type(error).__name__)


def _unavailable(reason: str) -> Refused:
    return Refused(503, Cause.UNAVAILABLE, reason, retry_after=RETRY_AFTER_SECONDS)
