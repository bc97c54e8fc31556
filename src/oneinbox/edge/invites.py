"""INVITEs from outside: server transactions (RFC 3261, section 17.2.1), from the first byte to the record."""

from dataclasses import dataclass, field
from enum import Enum

from oneinbox.contracts.admission import Admitted, Attempt, Cause, Decision, InviteFacts, Login, Refused
from oneinbox.edge.actions import LIFETIME, T1, T2, Address, Ask, Record
from oneinbox.edge.agenda import Agenda, Fading
from oneinbox.edge.dialogs import Dialogs
from oneinbox.edge.digest import challenges
from oneinbox.edge.fields import Basics
from oneinbox.edge.legs import Leg, Legs
from oneinbox.edge.message import Header, Request, Response, made, wire
from oneinbox.edge.nonces import Nonces
from oneinbox.edge.outside import unreachable
from oneinbox.edge.rewriting import answer, hostport, redacted, reopened, reply_address, returned
from oneinbox.edge.sdp import allows_keys
from oneinbox.edge.sessions import agreed, promised, wanted

DECISION_SECONDS = 3.0
WORKER_SECONDS = 1.0
RINGING_SECONDS = 60.0
RETRY_AFTER_SECONDS = 5
LADDER_LINES = 40
CHALLENGE = 401
FINAL_REFUSALS = {415, 420, 421, 422, 488, 606}
"""What a worker says about the caller's offer; the next worker would say the same."""


class State(Enum):
    """Where an INVITE stands."""

    DECIDING = 1
    TRYING = 2
    ACCEPTED = 3
    REFUSED = 4
    CONFIRMED = 5


@dataclass(slots=True)
class Invite:
    """One INVITE from outside. `last` is the answer that a repeated INVITE gets."""

    key: str
    request: Request
    said: Basics
    source: Address
    facts: InviteFacts
    guest: bool
    """A stranger who has proven nothing yet."""
    started: float
    login: Login | None = None
    stale: bool = False
    """It came with a nonce that is none, or no longer one."""
    state: State = State.DECIDING
    last: bytes = b""
    verdict: tuple[int, Cause, str] | None = None
    decision: Decision | None = None
    leg: Leg | None = None
    turn: int = 0
    refusal: tuple[Cause, str] = (Cause.OVERLOAD, "there is none")
    recorded: bool = False
    ladder: list[str] = field(default_factory=list)

    @property
    def is_accepted(self) -> bool:
        """Has it its 2xx? Then its ACK is the worker's, even one that has the branch of the INVITE."""
        return self.state is State.ACCEPTED

    def note(self, arrow: str, address: Address, start: str, now: float) -> None:
        """One step of the ladder."""
        if len(self.ladder) < LADDER_LINES:
            ms = round((now - self.started) * 1000)
            self.ladder.append(f"{ms} ms {arrow} {hostport(address)} {redacted(start)}")


class Invites:
    """All INVITEs that are open or were answered within the last LIFETIME."""

    def __init__(self, agenda: Agenda, dialogs: Dialogs, nonces: Nonces) -> None:
        self._agenda = agenda
        self._dialogs = dialogs
        self._nonces = nonces
        self.legs = Legs(agenda, dialogs)
        self._by_key: dict[str, Invite] = {}
        self._challenged: Fading[str, bool] = Fading(LIFETIME, agenda.config.max_invites)
        self._merged: dict[tuple[str, int, str], str] = {}
        self._guests = 0
        self._guests_asking = 0

    def __len__(self) -> int:
        return len(self._by_key)

    def find(self, key: str) -> Invite | None:
        return self._by_key.get(key)

    def merged(self, said: Basics) -> bool:
        """Is this INVITE here already, by another path (RFC 3261, section 8.2.2.2)?"""
        return (said.call_id, said.cseq, said.from_tag) in self._merged

    def full(self, guest: bool) -> bool:
        """No room for one more of this kind."""
        config = self._agenda.config
        if len(self) >= config.max_invites:
            return True
        crowd = self._guests >= config.max_stranger_invites or self._guests_asking >= config.max_stranger_questions
        return guest and crowd

    def begin(self, invite: Invite, now: float) -> None:
        """Take it in; nothing is said yet."""
        self._by_key[invite.key] = invite
        self._merged.setdefault((invite.said.call_id, invite.said.cseq, invite.said.from_tag), invite.key)
        self._guests += invite.guest
        invite.note("←", invite.source, invite.request.start, now)

    def ask(self, invite: Invite, now: float) -> None:
        """100 at once, and the question to admission."""
        self._respond(invite, 100, now, *invite.request.all("timestamp"))  # RFC 3261, section 8.2.6.1
        self._agenda.act(Ask(invite.key, invite.facts, invite.login))
        self._guests_asking += invite.guest
        key = invite.key
        self._agenda.at(now + DECISION_SECONDS, lambda later: self._undecided(key, later))

    def repeated(self, invite: Invite) -> None:
        """The same INVITE once more gets the last answer once more."""
        if invite.last and invite.state is not State.CONFIRMED:
            self._send_last(invite)

    def acknowledged(self, invite: Invite) -> None:
        """The ACK of a refusal ends its repetition."""
        if invite.state is State.REFUSED:
            invite.state = State.CONFIRMED

    def cancelled(self, invite: Invite, now: float) -> None:
        """CANCEL: 487 at once, unless the final answer has gone. The leg is brought to its end behind it."""
        invite.note("←", invite.source, f"CANCEL {invite.request.uri} SIP/2.0", now)
        if invite.verdict is not None:
            return
        if invite.leg is not None:
            self.legs.abandon(invite.leg)
        self._final(invite, 487, Cause.CANCELLED, "The caller hung up before the call was answered.", now)

    def decided(self, key: str, decision: Decision, now: float) -> None:
        """Admission's word. When the caller has gone meanwhile, only the record is left to write."""
        invite = self._by_key.get(key)
        if invite is None or invite.decision is not None:
            return
        invite.decision = decision
        self._guests_asking -= invite.guest
        if invite.verdict is not None:
            self._record(invite)
        elif isinstance(decision, Refused):
            self.refuse(invite, decision, now)
        else:
            invite.state = State.TRYING
            self._try(invite, decision, now)

    def refuse(self, invite: Invite, refused: Refused, now: float, *extra: Header) -> None:
        """The final answer is ours."""
        invite.decision = refused
        headers = list(extra)
        if refused.retry_after is not None:
            headers.append(made("Retry-After", str(refused.retry_after)))
        if refused.status == CHALLENGE:
            self._challenge(invite, refused, now)
        else:
            self._final(invite, refused.status, refused.cause, refused.reason, now, *headers)

    def _challenge(self, invite: Invite, refused: Refused, now: float) -> None:
        """401, and nothing of it is kept but that it was recorded (RFC 3261, section 8.2.7)."""
        if invite.login is not None:
            self._nonces.give_back(invite.login.nonce)
        asking = challenges(self._nonces.new(invite.source[0], now), invite.request, stale=invite.stale)
        self._respond(invite, CHALLENGE, now, *asking)
        invite.state, invite.verdict = State.REFUSED, (CHALLENGE, refused.cause, refused.reason)
        invite.recorded = self._challenged.get(invite.key, now) is not None
        self._challenged.put(invite.key, True, now)
        self._record(invite)
        self._forget(invite.key)

    def response(self, leg: Leg, response: Response, now: float) -> None:
        """What a worker answers to one of our INVITEs."""
        invite = self._by_key.get(leg.key)
        if invite is None or leg.abandoned:
            self.legs.late(leg, response, now)
            return
        first, leg.heard = not leg.heard, True
        leg.finished = response.status >= 200
        if invite.verdict is None:
            invite.note("←", leg.worker, response.start, now)
        if response.status < 200:
            self._provisional(invite, leg, response, first, now)
        elif response.status < 300:
            self._accepted(invite, leg, response, now)
        else:
            self.legs.acknowledge(leg, response)
            self._refused(invite, leg, response, now)

    def worker_gone(self, worker: Address, now: float) -> None:
        """INVITEs that wait for this worker go on to the next."""
        for invite in list(self._by_key.values()):
            if invite.state is State.TRYING and invite.leg is not None and invite.leg.worker == worker:
                self._next(invite, invite.leg, Cause.WORKER_GONE, "its process is gone", now)

    def close(self, now: float) -> None:
        """Callers that have no answer yet are told to call elsewhere."""
        retry = made("Retry-After", str(RETRY_AFTER_SECONDS))
        for invite in list(self._by_key.values()):
            if invite.verdict is None:
                if invite.leg is not None:
                    self.legs.abandon(invite.leg)
                self._final(invite, 503, Cause.UNAVAILABLE, "The edge is being stopped.", now, retry)

    def _undecided(self, key: str, now: float) -> None:
        invite = self._by_key.get(key)
        if invite is not None and invite.decision is None:
            reason = "Admission did not answer."
            self.decided(key, Refused(503, Cause.UNAVAILABLE, reason, retry_after=RETRY_AFTER_SECONDS), now)

    def _try(self, invite: Invite, decision: Admitted, now: float) -> None:
        if invite.turn >= len(decision.routes):
            cause, why = invite.refusal
            retry = made("Retry-After", str(RETRY_AFTER_SECONDS))
            self._final(invite, 503, cause, f"No voice worker took the call: {why}.", now, retry)
            return
        leg = self.legs.open(invite.key, invite.request, invite.said, invite.source, decision, invite.turn)
        invite.leg = leg
        invite.note("→", leg.worker, leg.request.start, now)
        self._agenda.at(now + WORKER_SECONDS / 2, lambda later: self._again(leg))
        self._agenda.at(now + WORKER_SECONDS, lambda later: self._silent(leg, later))

    def _again(self, leg: Leg) -> None:
        if not leg.heard and not leg.abandoned:
            self.legs.send(leg)

    def _silent(self, leg: Leg, now: float) -> None:
        invite = self._by_key.get(leg.key)
        if invite is not None and not leg.heard and not leg.abandoned:
            self._next(invite, leg, Cause.WORKER_GONE, "no answer within a second", now)

    def _rang_out(self, leg: Leg, now: float) -> None:
        invite = self._by_key.get(leg.key)
        if invite is not None and invite.state is State.TRYING and invite.leg is leg:
            self._next(invite, leg, Cause.WORKER_GONE, "it never answered", now)

    def _next(self, invite: Invite, leg: Leg, cause: Cause, why: str, now: float) -> None:
        invite.refusal = (cause, f"{leg.route.worker_id}: {why}")
        self.legs.abandon(leg)
        invite.leg = None
        invite.turn += 1
        if isinstance(invite.decision, Admitted):
            self._try(invite, invite.decision, now)

    def _provisional(self, invite: Invite, leg: Leg, response: Response, first: bool, now: float) -> None:
        if invite.verdict is not None:
            return
        if first:
            self._agenda.at(now + RINGING_SECONDS, lambda later: self._rang_out(leg, later))
        if response.status > 100:
            self._pass_on(invite, leg, response, now)

    def _accepted(self, invite: Invite, leg: Leg, response: Response, now: float) -> None:
        first = invite.verdict is None
        if first:
            invite.state = State.ACCEPTED
            self._dialogs.opened(invite.request, response, leg.hop, now)
        if invite.state is not State.ACCEPTED:
            return
        self._pass_on(invite, leg, response, now)
        if first:
            self._conclude(invite, response.status, Cause.ADMITTED, _answered(invite, leg), now)

    def _refused(self, invite: Invite, leg: Leg, response: Response, now: float) -> None:
        if invite.verdict is not None:
            return
        if response.status not in FINAL_REFUSALS:
            self._next(invite, leg, Cause.OVERLOAD, f"it answered {response.status}", now)
            return
        invite.state = State.REFUSED
        leg.abandoned = True
        self._pass_on(invite, leg, response, now)
        said, offer = redacted(f"{response.status} {response.phrase}"), ", ".join(invite.facts.offered)
        phrase = f"The media plane refused the offer: {said}. Offered: {offer or 'nothing'}."
        self._conclude(invite, response.status, Cause.MEDIA_REFUSED, phrase, now)
        if not invite.source.is_stream:
            self._repeat(invite.key, T1, now + T1)

    def _pass_on(self, invite: Invite, leg: Leg, response: Response, now: float) -> None:
        dest = reply_address(invite.said.via, invite.source)
        back = promised(returned(response), agreed(wanted(invite.request), response))
        invite.last = wire(self._agenda.outward(back, leg.worker, dest, keys=allows_keys(invite.request.body)))
        if invite.verdict is None:
            invite.note("→", dest, response.start, now)
        self._send_last(invite)

    def _respond(self, invite: Invite, status: int, now: float, *extra: Header) -> None:
        tag = self._agenda.signer.tag(invite.key)
        invite.last = answer(invite.request, invite.source, invite.said.via, status, tag, *extra)
        dest = reply_address(invite.said.via, invite.source)
        invite.note("→", dest, invite.last.partition(b"\r\n")[0].decode("latin-1"), now)
        self._send_last(invite)

    def _send_last(self, invite: Invite) -> None:
        via, source = invite.said.via, invite.source
        self._agenda.send(invite.last, reply_address(via, source), None if invite.guest else reopened(via, source))

    def _final(self, invite: Invite, status: int, cause: Cause, reason: str, now: float, *extra: Header) -> None:
        invite.state = State.REFUSED
        self._respond(invite, status, now, *extra)
        self._conclude(invite, status, cause, reason, now)
        if not (invite.guest or invite.source.is_stream):  # whose address may be forged: one answer for one message
            self._repeat(invite.key, T1, now + T1)

    def _repeat(self, key: str, pause: float, when: float) -> None:
        self._agenda.at(when, lambda now: self._repeat_now(key, pause, now))

    def _repeat_now(self, key: str, pause: float, now: float) -> None:
        invite = self._by_key.get(key)
        if invite is not None and invite.state is State.REFUSED:
            self._send_last(invite)
            wider = min(2 * pause, T2)
            self._repeat(key, wider, now + wider)

    def _conclude(self, invite: Invite, status: int, cause: Cause, reason: str, now: float) -> None:
        invite.verdict = (status, cause, reason)
        if invite.decision is not None:
            self._record(invite)
        key = invite.key
        self._agenda.at(now + LIFETIME, lambda later: self._forget(key))

    def _record(self, invite: Invite) -> None:
        if invite.recorded or invite.verdict is None:
            return
        invite.recorded = True
        status, cause, reason = invite.verdict
        call_id = invite.decision.call_id if invite.decision is not None else None
        unmatched = invite.decision.unmatched if isinstance(invite.decision, Refused) else None
        if cause is Cause.MEDIA_REFUSED:
            unmatched = ", ".join(invite.facts.offered) or None
        ladder = tuple(invite.ladder)
        self._agenda.act(Record(Attempt(invite.facts, status, cause, reason, call_id, ladder, unmatched)))

    def _forget(self, key: str) -> None:
        invite = self._by_key.pop(key, None)
        if invite is None:
            return
        self._guests -= invite.guest
        same = (invite.said.call_id, invite.said.cseq, invite.said.from_tag)
        if self._merged.get(same) == key:
            del self._merged[same]
        self.legs.forget(key)


def _answered(invite: Invite, leg: Leg) -> str:
    said = unreachable(invite.request.body, invite.source.host)
    if said is None:
        return f"Answered by {leg.route.worker_id}."
    return (
        f"Answered by {leg.route.worker_id}. The caller wants its audio at {said}, which can't be reached from here: "
        f"it is sent to {invite.source.host} instead, and not heard unless the caller's network lets it through."
    )
