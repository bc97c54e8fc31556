"""The SIP edge as a function of bytes and time: datagrams, decisions and dead workers go in, actions come out."""

from collections.abc import Callable
from hashlib import blake2b

from oneinbox.contracts.admission import Admitted, Attempt, Cause, Decision, InviteFacts, Refused
from oneinbox.edge.actions import LIFETIME, Action, Address, EdgeConfig, Record
from oneinbox.edge.agenda import Agenda, Buckets, Fading
from oneinbox.edge.dialogs import Dialogs
from oneinbox.edge.fields import (
    MAGIC,
    Basics,
    Uri,
    basics,
    caller,
    cut,
    dialled,
    plain,
    split,
    uri_of,
    via_of,
)
from oneinbox.edge.invites import Invite, Invites
from oneinbox.edge.message import Header, Malformed, Request, Response, made, read
from oneinbox.edge.relay import Relay
from oneinbox.edge.rewriting import answer, redacted, reply_address
from oneinbox.edge.routing import hop_of
from oneinbox.edge.sdp import offered
from oneinbox.edge.signing import Hop
from oneinbox.edge.tally import CROWDED_OUT, SILENCED, UNREADABLE, Tally

ALLOW = made("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, NOTIFY")
ACCEPT = made("Accept", "application/sdp")
PROXY_EXTENSIONS = {"privacy"}
WORKER_SECONDS = 3600.0
MAX_WORKERS = 1000
MAX_MALFORMED = 1000


class Edge:
    """The whole edge but its socket. `is_known` says whether a host may be answered more than 403."""

    def __init__(self, config: EdgeConfig, is_known: Callable[[str], bool]) -> None:
        self._agenda = Agenda(config)
        self._is_known = is_known
        self._dialogs = Dialogs(self._agenda)
        self._invites = Invites(self._agenda, self._dialogs)
        self._relay = Relay(self._agenda, self._dialogs)
        self._buckets = Buckets(config.stranger_burst, config.stranger_per_second, config.max_sources)
        self._workers: Fading[Address, bool] = Fading(WORKER_SECONDS, MAX_WORKERS)
        self._seen: Fading[bytes, bool] = Fading(LIFETIME, MAX_MALFORMED)
        self._tally = Tally(self._agenda)

    def receive(self, data: bytes, source: Address, now: float) -> list[Action]:
        """One datagram, or one message that a stream has framed. Never raises for what is in it."""
        self._agenda.run(now)
        if data.strip(b"\r\n\0 "):
            known = self._is_known(source[0])
            if known or self._workers.get(source, now) or self._buckets.take(source[0], now):
                self._heard(data, source, known, now)
            else:
                self._tally.add(source[0], SILENCED, now)
        return self._agenda.take()

    def decided(self, key: str, decision: Decision, now: float) -> list[Action]:
        """Admission's answer to an `Ask`."""
        if isinstance(decision, Admitted):
            for route in decision.routes:
                self._workers.put((route.host, route.port), True, now)
        self._invites.decided(key, decision, now)
        return self._agenda.take()

    def worker_gone(self, address: Address, now: float) -> list[Action]:
        """A voice worker is dead: its callers get a BYE, its pending INVITEs the next route."""
        self._workers.pop(address)
        self._invites.worker_gone(address, now)
        self._dialogs.worker_gone(address, now)
        return self._agenda.take()

    def tick(self, now: float) -> list[Action]:
        """Do what is due."""
        self._agenda.run(now)
        return self._agenda.take()

    def close(self, now: float) -> list[Action]:
        """No more is heard: callers that wait are sent elsewhere, and all that isn't recorded yet is."""
        self._invites.close(now)
        self._tally.flush()
        return self._agenda.take()

    def next_timer(self) -> float | None:
        """When `tick` wants to be called next."""
        return self._agenda.due()

    def sizes(self) -> dict[str, int]:
        """How many entries each table holds."""
        return {
            "invites": len(self._invites),
            "legs": len(self._invites.legs),
            "dialogs": len(self._dialogs),
            "relayed": len(self._relay),
            "sources": len(self._buckets),
            "tally": len(self._tally),
        }

    def _heard(self, data: bytes, source: Address, known: bool, now: float) -> None:
        try:
            message = read(data)
        except Malformed:
            if data[:4].upper() != b"SIP/":
                self._tally.add(source[0], UNREADABLE, now)
            return
        try:
            said = basics(message)
        except Malformed as error:
            if isinstance(message, Request):
                self._malformed(message, source, known, str(error), data, now)
            return
        if isinstance(message, Response):
            self._response(message, said, source, now)
        else:
            self._request(message, said, source, known, now)

    def _response(self, response: Response, said: Basics, source: Address, now: float) -> None:
        host, port = self._agenda.config.advertised
        if said.via.sent_by != f"{host.lower()}:{port}" or self._dialogs.answered(said.via.branch, response.status):
            return
        leg = self._invites.legs.find(said.via.branch)
        if leg is None:
            if len([value for header in response.all("via") for value in split(header.value, ",")]) > 1:
                self._relay.response(response, said, source, now)
        elif source == leg.worker and said.cseq_method == "INVITE":
            self._invites.response(leg, response, now)

    def _request(self, request: Request, said: Basics, source: Address, known: bool, now: float) -> None:
        invite = self._invites.find(self._key(request, said, source))
        hop = hop_of(request, self._agenda.signer, said.call_id) if said.to_tag else None
        match request.method:
            case "INVITE" if invite is not None:
                self._invites.repeated(invite)
            case "ACK" if invite is not None:
                self._invites.acknowledged(invite)
            case "CANCEL" if invite is not None:
                self._reply(request, said, source, 200)
                self._invites.cancelled(invite, now)
            case _ if hop is not None:
                self._onward(request, said, source, hop, now)
            case "INVITE" if not said.to_tag:
                self._invite(request, said, source, known, now)
            case _:
                self._outside(request, said, source, known)

    def _onward(self, request: Request, said: Basics, source: Address, hop: Hop, now: float) -> None:
        if source == hop.worker:
            self._workers.put(source, True, now)
        status = self._relay.request(request, said, source, hop, now)
        if status is not None and request.method != "ACK":
            self._reply(request, said, source, status)

    def _outside(self, request: Request, said: Basics, source: Address, known: bool) -> None:
        """Requests that belong to no dialog and open none."""
        if request.method == "ACK":
            return
        if not known:
            self._reply(request, said, source, 403)
        elif request.version.upper() != "SIP/2.0":
            self._reply(request, said, source, 505)
        elif said.to_tag or request.method == "CANCEL":
            self._reply(request, said, source, 481)
        elif request.method != "OPTIONS":
            self._reply(request, said, source, 405, ALLOW)
        elif uri_of(request.uri) is None:
            self._reply(request, said, source, 416)
        elif unsupported := _options(request, "require") | _options(request, "proxy-require"):
            self._reply(request, said, source, 420, _unsupported(unsupported))
        else:
            self._reply(request, said, source, 200, ALLOW, ACCEPT)

    def _invite(self, request: Request, said: Basics, source: Address, known: bool, now: float) -> None:
        uri = uri_of(request.uri)
        facts = _facts(request, said.call_id, uri, source)
        if self._invites.merged(said):
            self._merged(request, said, source, known, facts, now)
            return
        if self._invites.full(known):
            self._overloaded(request, said, source, known, facts, now)
            return
        invite = Invite(self._key(request, said, source), request, said, source, facts, known, now)
        self._invites.begin(invite, now)
        problem = _problem(request, said, uri)
        if problem is None:
            self._invites.ask(invite, now)
        elif known:
            status, reason, *extra = problem
            self._invites.refuse(invite, Refused(status, Cause.MALFORMED, reason), now, *extra)
        else:
            self._invites.refuse(invite, Refused(403, Cause.SOURCE_NOT_ALLOWED, problem[1]), now)

    def _merged(
        self, request: Request, said: Basics, source: Address, known: bool, facts: InviteFacts, now: float
    ) -> None:
        status = 482 if known else 403
        self._reply(request, said, source, status)
        reason = "The same INVITE is here already, by another path."
        self._once(said.via.branch.encode("latin-1"), request, facts, (status, Cause.DUPLICATE, reason), now)

    def _overloaded(
        self, request: Request, said: Basics, source: Address, known: bool, facts: InviteFacts, now: float
    ) -> None:
        if not known:
            self._tally.add(source[0], CROWDED_OUT, now)
            return
        self._reply(request, said, source, 503, made("Retry-After", "5"))
        reason = "The edge has too many INVITEs open."
        self._once(said.via.branch.encode("latin-1"), request, facts, (503, Cause.OVERLOAD, reason), now)

    def _once(
        self, name: bytes, request: Request, facts: InviteFacts, verdict: tuple[int, Cause, str], now: float
    ) -> None:
        """Record an INVITE that has no transaction here; its repetitions, which have the same name, leave nothing."""
        seen = blake2b(name, digest_size=16, key=facts.source_host.encode()).digest()
        if self._seen.get(seen, now) is None:
            self._seen.put(seen, True, now)
            status, cause, reason = verdict
            self._agenda.act(Record(Attempt(facts, status, cause, reason, None, (redacted(request.start),))))

    def _malformed(self, request: Request, source: Address, known: bool, reason: str, data: bytes, now: float) -> None:
        """400 where an answer can be addressed, else silence; an INVITE leaves its record either way, once."""
        if request.method == "ACK":
            return
        status = 0
        try:
            via = via_of(cut(request.first("via") or "", ",")[0].strip())
            if all(request.all(name) for name in ("from", "to", "call-id", "cseq")):
                status = 400 if known else 403
                tag = self._agenda.signer.tag(request.first("call-id") or "", via.branch)
                self._agenda.send(answer(request, source, via, status, tag), reply_address(via, source))
        except Malformed:
            status = 0
        if request.method == "INVITE":
            facts = _facts(request, request.first("call-id") or "", uri_of(request.uri), source)
            self._once(data, request, facts, (status, Cause.MALFORMED, reason), now)

    def _reply(self, request: Request, said: Basics, source: Address, status: int, *extra: Header) -> None:
        tag = self._agenda.signer.tag(said.call_id, said.via.branch)
        data = answer(request, source, said.via, status, tag, *extra)
        self._agenda.send(data, reply_address(said.via, source))

    def _key(self, request: Request, said: Basics, source: Address) -> str:
        """What an INVITE, its repetitions, its CANCEL and the ACK of its refusal share (RFC 3261, section 17.2.3)."""
        via = said.via
        if via.branch.startswith(MAGIC) and len(via.branch) > len(MAGIC):
            return self._agenda.signer.branch("key", via.branch, via.sent_by, source[0])
        old = (said.call_id, str(said.cseq), said.from_tag, request.uri, request.first("via") or "", source[0])
        return self._agenda.signer.branch("key", *old)


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


def _problem(request: Request, said: Basics, uri: Uri | None) -> tuple[int, str] | tuple[int, str, Header] | None:
    """Why an INVITE can't be taken, whoever it is for: status, reason, and a header for the answer."""
    if request.version.upper() != "SIP/2.0":
        return 505, "The request speaks another version of SIP."
    if uri is None:
        return 416, "The Request-URI has a scheme that we don't speak."
    if uri.headers:
        return 400, "The Request-URI carries headers."
    if said.max_forwards == 0:
        return 483, "The INVITE has no hops left."
    if unsupported := _options(request, "proxy-require") - PROXY_EXTENSIONS:
        return 420, "The caller requires a proxy extension that we don't have.", _unsupported(unsupported)
    return None


def _options(request: Request, name: str) -> set[str]:
    said = (option.strip().lower() for header in request.all(name) for option in header.value.split(","))
    return {option for option in said if option}


def _unsupported(options: set[str]) -> Header:
    return made("Unsupported", ", ".join(sorted(options)))
