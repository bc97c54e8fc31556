"""How INVITEs come in: what is wrong with them, who may be told, and what is recorded of those that go no further."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from oneinbox.contracts.admission import Attempt, Cause, InviteFacts, Refused
from oneinbox.edge.actions import LIFETIME, Address, Record
from oneinbox.edge.agenda import Agenda, Buckets, Fading
from oneinbox.edge.digest import challenges, login_of
from oneinbox.edge.fields import MAGIC, Basics, Uri, Via, caller, cut, dialled, options_in, plain, uri_of, via_of
from oneinbox.edge.invites import CHALLENGE, Invite, Invites
from oneinbox.edge.message import Header, Malformed, Request, made
from oneinbox.edge.nonces import Nonces
from oneinbox.edge.rewriting import answer, redacted, reply_address
from oneinbox.edge.sdp import offered
from oneinbox.edge.sessions import too_short
from oneinbox.edge.tally import CROWDED_OUT, TURNED_AWAY, Tally

PROXY_EXTENSIONS = {"privacy"}
SDP = "application/sdp"
MOST_SEEN = 10_000
FORBIDDEN = 403
BURST_SECONDS = 2

Verdict = tuple[int, Cause, str]
Problem = tuple[int, str] | tuple[int, str, Header]


@dataclass(frozen=True, slots=True)
class Heard:
    """A request, who sent it and when. `known` sources may be told more than that they may not."""

    request: Request
    said: Basics
    source: Address
    known: bool
    now: float


class Entry:
    """The way in for INVITEs.

    `asks` says whether strangers may prove who they are: whether any number has a login; `may_call`, whether any number
    may admit a host without.
    """

    def __init__(
        self,
        agenda: Agenda,
        invites: Invites,
        nonces: Nonces,
        tally: Tally,
        asks: Callable[[], bool],
        may_call: Callable[[str], bool],
    ) -> None:
        self._agenda = agenda
        self._invites = invites
        self._nonces = nonces
        self._tally = tally
        self._asks = asks
        self._may_call = may_call
        self._seen: Fading[bytes, bool] = Fading(LIFETIME, MOST_SEEN)
        a_second = agenda.config.invites_per_second
        self._invited = Buckets(a_second * BURST_SECONDS, a_second, agenda.config.max_sources)
        asked = agenda.config.strangers_asked_per_second
        self._asked = Buckets(asked * BURST_SECONDS, asked, 1)
        questions = agenda.config.stranger_questions_per_second
        self._questions = Buckets(questions * BURST_SECONDS, questions, 1)

    def invite(self, heard: Heard) -> None:
        """An INVITE that is new here."""
        request, said = heard.request, heard.said
        uri = uri_of(request.uri)
        facts = _facts(request, said.call_id, uri, heard.source)
        if self._invites.merged(said):
            status = self.reply(heard, 482)
            self._once(heard, facts, (status, Cause.DUPLICATE, "The same INVITE is here already, by another path."))
            return
        if heard.known and not self._invited.take(heard.source[0], heard.now):
            self._too_fast(heard, facts)
            return
        said_login = login_of(request)
        fresh = said_login is not None and self._nonces.take(said_login.nonce, heard.source[0], heard.now)
        guest = not (heard.known or fresh)
        if guest and self._is_hopeless(heard):
            self._turn_away(heard, stale=said_login is not None)
            return
        if self._invites.full(guest) or (guest and not self._questions.take("", heard.now)):
            self._crowded(heard, facts, guest)
            return
        login, stale = said_login if fresh else None, said_login is not None and not fresh
        key = self.key(request, said, heard.source)
        invite = Invite(key, request, said, heard.source, facts, guest, heard.now, login, stale)
        self._invites.begin(invite, heard.now)
        self._judge(invite, _problem(request, said, uri), heard)

    def malformed(self, request: Request, source: Address, known: bool, reason: str, data: bytes, now: float) -> None:
        """400 where an answer can be addressed, else silence; an INVITE leaves its record either way, once."""
        if request.method == "ACK":
            return
        status = 0
        try:
            via = via_of(cut(request.first("via") or "", ",")[0].strip())
            if all(request.all(name) for name in ("from", "to", "call-id", "cseq")):
                status = self._answer(request, via, request.first("call-id") or "", source, 400 if known else 0, now)
        except Malformed:
            status = 0
        if request.method == "INVITE":
            facts = _facts(request, request.first("call-id") or "", uri_of(request.uri), source)
            self._record(data, request, facts, (status, Cause.MALFORMED, reason), now)

    def reply(self, heard: Heard, status: int, *extra: Header) -> int:
        """Answer without a transaction; strangers get their one answer, whatever the status. Returns what was sent."""
        wanted = status if heard.known else 0
        return self._answer(heard.request, heard.said.via, heard.said.call_id, heard.source, wanted, heard.now, *extra)

    def agree(self, heard: Heard, invite: Invite) -> None:
        """200 to a CANCEL, with the tag that its INVITE's refusal has (RFC 3261, section 9.2)."""
        via = heard.said.via
        data = answer(heard.request, heard.source, via, 200, self._agenda.signer.tag(invite.key))
        self._agenda.send(data, reply_address(via, heard.source))

    def key(self, request: Request, said: Basics, source: Address) -> str:
        """What an INVITE, its repetitions, its CANCEL and the ACK of its refusal share (RFC 3261, section 17.2.3)."""
        via = said.via
        if via.branch.startswith(MAGIC) and len(via.branch) > len(MAGIC):
            return self._agenda.signer.invite_key(via.branch, via.sent_by, source[0])
        old = (said.call_id, str(said.cseq), said.from_tag, request.uri, request.first("via") or "", source[0])
        return self._agenda.signer.branch("key", *old)

    def _judge(self, invite: Invite, problem: Problem | None, heard: Heard) -> None:
        if problem is None:
            self._invites.ask(invite, heard.now)
        elif heard.known:
            status, reason, *extra = problem
            self._invites.refuse(invite, Refused(status, Cause.MALFORMED, reason), heard.now, *extra)
        else:
            status = CHALLENGE if self._asks() else FORBIDDEN
            self._invites.refuse(invite, Refused(status, Cause.SOURCE_NOT_ALLOWED, problem[1]), heard.now)

    def _is_hopeless(self, heard: Heard) -> bool:
        """Is this one of many INVITEs that no number can admit? Of a few admission says so, which knows it best."""
        return not (self._may_call(heard.source[0]) or self._asked.take("", heard.now))

    def _turn_away(self, heard: Heard, *, stale: bool) -> None:
        """What admission would answer; nothing is kept, and the record only counts."""
        said = heard.said
        status = self._answer(heard.request, said.via, said.call_id, heard.source, 0, heard.now, stale=stale)
        self._tally.add(heard.source[0], TURNED_AWAY, heard.now, status)

    def _crowded(self, heard: Heard, facts: InviteFacts, guest: bool) -> None:
        """No room: known sources hear so; strangers who may prove themselves are asked to; the others wait in vain."""
        if guest and not self._asks():
            self._tally.add(heard.source[0], CROWDED_OUT, heard.now)
        elif guest:
            status = self.reply(heard, CHALLENGE)
            self._tally.add(heard.source[0], CROWDED_OUT, heard.now, status)
        else:
            status = self.reply(heard, 503, made("Retry-After", "5"))
            self._once(heard, facts, (status, Cause.OVERLOAD, "The edge has too many INVITEs open."))

    def _too_fast(self, heard: Heard, facts: InviteFacts) -> None:
        status = self.reply(heard, 503, made("Retry-After", "5"))
        reason = f"{heard.source[0]} sends more than {self._agenda.config.invites_per_second:.0f} INVITEs a second."
        self._once(heard, facts, (status, Cause.LIMIT, reason))

    def _answer(
        self,
        request: Request,
        via: Via,
        call_id: str,
        source: Address,
        status: int,
        now: float,
        *extra: Header,
        stale: bool = False,
    ) -> int:
        """Status 0 stands for the one answer to strangers."""
        if not status:
            status, extra = FORBIDDEN, ()
            if self._asks():
                status, extra = CHALLENGE, tuple(challenges(self._nonces.new(source[0], now), request, stale=stale))
        data = answer(request, source, via, status, self._agenda.signer.tag(call_id, via.branch), *extra)
        self._agenda.send(data, reply_address(via, source))
        return status

    def _once(self, heard: Heard, facts: InviteFacts, verdict: Verdict) -> None:
        self._record(heard.said.via.branch.encode("latin-1"), heard.request, facts, verdict, heard.now)

    def _record(self, name: bytes, request: Request, facts: InviteFacts, verdict: Verdict, now: float) -> None:
        """Record an INVITE that has no transaction here; its repetitions, which have the same name, leave nothing."""
        seen = blake2b(name, digest_size=16, key=facts.source_host.encode()).digest()
        if self._seen.get(seen, now) is None:
            self._seen.put(seen, True, now)
            self._agenda.act(Record(Attempt(facts, *verdict, None, (redacted(request.start),))))


def _facts(request: Request, call_id: str, uri: Uri | None, source: Address) -> InviteFacts:
    agent = request.first("user-agent")
    return InviteFacts(
        source_host=source[0],
        source_port=source[1],
        dialled=dialled(uri) if uri is not None else "",
        caller=caller(request),
        sip_call_id=plain(call_id),
        user_agent=plain(agent) if agent else None,
        offered=offered(request.body),
    )


def _problem(request: Request, said: Basics, uri: Uri | None) -> Problem | None:
    """Why an INVITE can't be taken, whoever it is for: status, reason, and a header for the answer."""
    if request.version.upper() != "SIP/2.0":
        return 505, "The request speaks another version of SIP."
    if uri is None:
        return 416, "The Request-URI has a scheme that we don't speak."
    if uri.headers:
        return 400, "The Request-URI carries headers."
    if said.max_forwards == 0:
        return 483, "The INVITE has no hops left."
    if unknown := options_in(request, "proxy-require") - PROXY_EXTENSIONS:
        return 420, "The caller requires a proxy extension that we don't have.", unsupported(unknown)
    if (least := too_short(request)) is not None:
        return 422, "The caller wants a shorter session than we grant.", least
    return body_problem(request)


def body_problem(request: Request) -> Problem | None:
    """Why no worker could do anything with the body, or answer with one (RFC 3261, sections 8.2.3, 21.4.7, 21.4.13)."""
    said = _media_type(request.first("content-type") or "")
    optional = "handling=optional" in (request.first("content-disposition") or "").lower().replace(" ", "")
    if request.body and said and not optional and said != SDP and not said.startswith("multipart/"):
        return 415, f"The INVITE has a body of the type {plain(said)}, which is no offer.", made("Accept", SDP)
    if request.body and not optional and options_in(request, "content-encoding") - {"identity"}:
        return 415, "The INVITE's body is encoded.", made("Accept-Encoding", "identity")
    accepted = {_media_type(part) for header in request.all("accept") for part in header.value.split(",")}
    if accepted and not accepted & {SDP, "application/*", "*/*"}:
        return 406, f"The caller takes no {SDP}."
    return None


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def unsupported(options: set[str]) -> Header:
    """The header that names them in a 420."""
    return made("Unsupported", ", ".join(sorted(options)))
