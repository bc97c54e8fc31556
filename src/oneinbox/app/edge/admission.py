"""Admission: one transaction that decides about an INVITE, and one that writes down what became of it."""

from collections import OrderedDict
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.app import plans
from oneinbox.app.edge.findings import explain, reached
from oneinbox.app.edge.limits import Limits, Most
from oneinbox.app.edge.sources import Network, contains, network, trusts
from oneinbox.app.edge.spelling import candidates
from oneinbox.app.tickets import issue
from oneinbox.contracts.admission import Admitted, Attempt, Cause, Decision, InviteFacts, Login, Refused, WorkerRoute
from oneinbox.contracts.events import EndReason
from oneinbox.contracts.media import CALL_ID_HEADER, TICKET_HEADER
from oneinbox.edge.agenda import Buckets
from oneinbox.edge.digest import proves
from oneinbox.edge.fields import plain
from oneinbox.features.agents import service as agents
from oneinbox.features.attempts import service as attempts
from oneinbox.features.attempts.schemas import Reached
from oneinbox.features.calls import service as calls
from oneinbox.features.calls.schemas import NewCall
from oneinbox.features.phone_numbers import service as phone_numbers
from oneinbox.features.phone_numbers.schemas import Line
from oneinbox.features.trunks import service as trunks
from oneinbox.features.workers import service as workers
from oneinbox.features.workers.schemas import Candidate
from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database
from oneinbox.kit.ids import new_id
from oneinbox.kit.sealing import Sealer

RETRY_AFTER_SECONDS = 5
MOST_REMEMBERED = 10_000
NOBODY = "nobody"
"""No number's id: what is looked up where there is none."""
EXPLAINED_PER_SECOND = 20.0
STRANGERS = frozenset({Cause.SOURCE_NOT_ALLOWED, Cause.MALFORMED})
"""Causes of which anybody can make as many as he likes."""
SERVED = frozenset({"active", "degraded"})
"""What a number's status must be for its calls to be answered."""

END_REASONS = {Cause.CANCELLED: EndReason.CANCELLED, Cause.MEDIA_REFUSED: EndReason.REJECTED}
"""How a call ends that was admitted and never answered; all other causes are the workers'."""


class Admission:
    """Decides INVITEs for the edge. `trusted` are sources that may call any number; without `sealer` no login opens."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ticket_key: bytes,
        trusted: Sequence[Network],
        sealer: Sealer | None = None,
        most: Most = Most(),
    ) -> None:
        self._database = database
        self._clock = clock
        self._ticket_key = ticket_key
        self._trusted = tuple(trusted)
        self._sealer = sealer
        self._limits = Limits(most, clock)
        self._explained = Buckets(2 * EXPLAINED_PER_SECOND, EXPLAINED_PER_SECOND, 1)
        self._reached: OrderedDict[InviteFacts, Reached] = OrderedDict()

    async def admit(self, facts: InviteFacts, login: Login | None = None) -> Decision:
        """The decision about one INVITE; admitted, its call is written and a worker's capacity is claimed.

        A number with an inbound user name is for those alone who prove that they know its password, wherever they are.

        Raises SQLAlchemyError or OSError when the database is not there.
        """
        async with self._database.transaction() as session:
            lines = await phone_numbers.find_lines(session, candidates(facts.dialled))
            proven = await self._proven(session, lines, login)
            admitting = [line for line in lines if self._may_call(line, facts.source_host, proven)]
            if not admitting and await self._asks(session, lines, facts.source_host):
                return _challenge(facts, lines, login)
            if len(admitting) != 1:
                return await self._no_line(session, facts, len(admitting))
            self._remember(facts, admitting[0])
            return await self._answer(session, facts, admitting[0])

    async def settle(self, attempt: Attempt) -> None:
        """Record the attempt, and end its call when it was never answered. Raises as `admit` does."""
        reason = END_REASONS.get(attempt.cause, EndReason.WORKER_ERROR)
        async with self._database.transaction() as session:
            await self._record(session, attempt)
            if attempt.call_id is not None and attempt.cause is not Cause.ADMITTED:
                now = self._clock.now()
                await calls.end(session, attempt.call_id, reason, attempt.reason, now, unanswered_only=True)
        self._reached.pop(attempt.facts, None)

    async def _record(self, session: AsyncSession, attempt: Attempt) -> None:
        known = self._reached.get(attempt.facts)
        if known is not None or not self._is_explained(attempt):
            await attempts.record(session, attempt, known)
            return
        found = await explain(session, attempt, lambda line: self._admits(line, attempt.facts.source_host))
        await attempts.record(session, found.attempt, found.reached, found.related)

    def _is_explained(self, attempt: Attempt) -> bool:
        """Floods of strangers are recorded, but not one by one compared with all numbers."""
        return attempt.cause not in STRANGERS or self._explained.take("", self._clock.monotonic())

    async def _no_line(self, session: AsyncSession, facts: InviteFacts, found: int) -> Refused:
        if found > 1:
            reason = f"{facts.dialled} can mean {found} registered numbers."
            return Refused(404, Cause.AMBIGUOUS_NUMBER, reason, unmatched=facts.dialled)
        if await self._is_known(session, facts.source_host):
            reason = f"{facts.dialled} is not registered for calls from this source."
            return Refused(404, Cause.NO_SUCH_NUMBER, reason, unmatched=facts.dialled)
        reason = f"{facts.source_host} is in no number's allowed addresses and not a trusted source."
        return Refused(403, Cause.SOURCE_NOT_ALLOWED, reason, unmatched=facts.source_host)

    async def _answer(self, session: AsyncSession, facts: InviteFacts, line: Line) -> Decision:
        if line.status not in SERVED:
            return Refused(480, Cause.PAUSED, f"{line.number} is {line.status}.")
        chain = plans.chain(line.route, await agents.snapshots(session, line.workspace_id, line.route.agents))
        if chain.nobody:
            paused = Cause.PAUSED if chain.known else Cause.NO_AGENT
            return Refused(480, paused, f"{chain.why} {line.number} has no other agent and no voicemail message.")
        return await self._place(session, facts, line, chain)

    async def _place(self, session: AsyncSession, facts: InviteFacts, line: Line, chain: plans.Chain) -> Decision:
        if refused := self._limits.too_fast(line) or await self._limits.too_many(session, line):
            return refused
        now = self._clock.now()
        occasion = plans.Occasion(new_id(), line.workspace_id, "inbound", facts.caller, line.number, now)
        plan = plans.build(chain, occasion)
        weight = plans.weight(plan)
        free = await workers.claim(session, weight)
        if not free:
            return _no_room(await workers.count_ready(session))
        new = NewCall(plan, chain.owner_id, line.phone_id, free[0].id, weight, dict(chain.variables), chain.why)
        await calls.admit(session, new)
        return Admitted(plan.call_id, line.number, tuple(self._route(plan.call_id, one) for one in free))

    def _route(self, call_id: str, worker: Candidate) -> WorkerRoute:
        ticket = issue(self._ticket_key, call_id, worker.id, self._clock.now())
        headers = {CALL_ID_HEADER: call_id, TICKET_HEADER: ticket}
        return WorkerRoute(worker.id, worker.host, worker.sip_port, headers)

    async def _proven(self, session: AsyncSession, lines: Sequence[Line], login: Login | None) -> frozenset[str]:
        """The numbers, by id, whose password the caller knows; takes as long for numbers that have or are none."""
        if login is None or self._sealer is None:
            return frozenset()
        asking = [line.phone_id for line in lines if line.wants_digest]
        known = await trunks.inbound_logins(session, self._sealer, asking or [NOBODY])
        if not known:
            proves(login, NOBODY, NOBODY)
        return frozenset(phone_id for phone_id, one in known.items() if proves(login, one.username, one.password))

    def _may_call(self, line: Line, host: str, proven: frozenset[str]) -> bool:
        return line.phone_id in proven if line.wants_digest else self._admits(line, host)

    async def _asks(self, session: AsyncSession, lines: Sequence[Line], host: str) -> bool:
        """Is the caller to be challenged? Strangers are, whatever they dial, once any number has a login."""
        if any(line.wants_digest for line in lines):
            return True
        return not await self._is_known(session, host) and await trunks.any_login(session)

    async def _is_known(self, session: AsyncSession, host: str) -> bool:
        return contains(self._trusted, host) or await _is_anyones(session, host)

    def _admits(self, line: Line, host: str) -> bool:
        return contains(self._trusted, host) or contains(map(network, line.sources), host)

    def _remember(self, facts: InviteFacts, line: Line) -> None:
        self._reached[facts] = reached(line)
        if len(self._reached) > MOST_REMEMBERED:
            self._reached.popitem(last=False)


def _challenge(facts: InviteFacts, lines: Sequence[Line], login: Login | None) -> Refused:
    asking = sorted(line.number for line in lines if line.wants_digest)
    if not asking:
        reason = f"{facts.source_host} is in no number's allowed addresses and not a trusted source."
        return Refused(401, Cause.SOURCE_NOT_ALLOWED, reason, unmatched=facts.source_host)
    asked = asking[0] if len(lines) == 1 else "A number that was meant"  # whose, no other workspace may read
    if login is None:
        return Refused(401, Cause.CHALLENGED, f"{asked} has an inbound user name: the caller is asked to prove it.")
    name = plain(login.username)
    if not login.for_this:
        reason = f"{name} proved a password for a call to {plain(login.uri)}, not for this one."
    else:
        whose = f"that of {asking[0]}" if len(lines) == 1 else "that of a number that was meant"
        reason = f"The user name {name} or its password is not {whose}."
    return Refused(401, Cause.WRONG_PASSWORD, reason, unmatched=name)


def _no_room(serving: int) -> Refused:
    if not serving:
        return Refused(503, Cause.UNAVAILABLE, "No voice worker takes calls now.", retry_after=RETRY_AFTER_SECONDS)
    reason = f"The voice workers, {serving} in number, have no room for one more call."
    return Refused(503, Cause.OVERLOAD, reason, retry_after=RETRY_AFTER_SECONDS)


async def _is_anyones(session: AsyncSession, host: str) -> bool:
    return contains(filter(trusts, map(network, await trunks.all_sources(session))), host)
