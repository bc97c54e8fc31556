"""Legs: INVITEs that the edge has sent to voice workers, and its own words to them (ACK, CANCEL, BYE)."""

from dataclasses import dataclass

from oneinbox.contracts.admission import Admitted, WorkerRoute
from oneinbox.edge.actions import Address
from oneinbox.edge.agenda import Agenda
from oneinbox.edge.dialogs import Dialogs
from oneinbox.edge.digest import without_ours as without_login
from oneinbox.edge.fields import Basics, address_of, uri_of
from oneinbox.edge.message import Malformed, Request, Response, made, wire
from oneinbox.edge.outside import reached
from oneinbox.edge.rewriting import MAX_FORWARDS, forwarded, hostport
from oneinbox.edge.routing import record_route, without_ours
from oneinbox.edge.sessions import without_demand
from oneinbox.edge.signing import Hop


@dataclass(slots=True)
class Leg:
    """One INVITE to one worker. An abandoned leg is only ever brought to its end."""

    key: str
    branch: str
    route: WorkerRoute
    request: Request
    cseq: int
    hop: Hop
    heard: bool = False
    abandoned: bool = False
    cancelled: bool = False
    finished: bool = False
    hung_up: bool = False

    @property
    def worker(self) -> Address:
        """Where the worker listens."""
        return self.hop.worker


class Legs:
    """Makes legs and speaks to workers in the edge's own name (RFC 3261, sections 9.1, 13.2.2.4, 17.1.1.3)."""

    def __init__(self, agenda: Agenda, dialogs: Dialogs) -> None:
        self._agenda = agenda
        self._dialogs = dialogs
        self._by_branch: dict[str, Leg] = {}
        self._branches: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return len(self._by_branch)

    def find(self, branch: str) -> Leg | None:
        return self._by_branch.get(branch)

    def forget(self, key: str) -> None:
        """Drop all legs of one INVITE."""
        for branch in self._branches.pop(key, ()):
            del self._by_branch[branch]

    def open(self, key: str, invite: Request, said: Basics, source: Address, decision: Admitted, turn: int) -> Leg:
        """Send the INVITE to the route whose turn it is."""
        route = decision.routes[turn]
        hop = Hop(Address(route.host, route.port), source)
        branch = self._agenda.signer.leg_branch(key, turn)
        token = self._agenda.signer.token(hop, said.call_id)
        plain = Request(without_login(without_ours(invite)), invite.body, invite.method, invite.uri)
        hops = MAX_FORWARDS if said.max_forwards is None else said.max_forwards - 1
        plain = without_demand(reached(plain, source.host))
        faces = dict.fromkeys((self._agenda.face(hop.worker), self._agenda.face(source)))
        own = [made("Record-Route", record_route(face, token)) for face in faces]
        request = forwarded(plain, said.via, source, self._agenda.own_via(branch, hop.worker), hops, *own)
        request.headers += [made(name, value) for name, value in route.headers.items()]
        request.uri = f"sip:{decision.number}@{hostport(hop.worker)}"
        leg = Leg(key, branch, route, request, said.cseq, hop)
        self._by_branch[branch] = leg
        self._branches.setdefault(key, []).append(branch)
        self.send(leg)
        return leg

    def send(self, leg: Leg) -> None:
        """Send it, or send it again."""
        self._agenda.send(wire(leg.request), leg.worker)

    def abandon(self, leg: Leg) -> None:
        """Nobody waits for this leg any more. It may be cancelled only once it was heard of (section 9.1)."""
        leg.abandoned = True
        if leg.heard and not (leg.cancelled or leg.finished):
            leg.cancelled = True
            to = next(header.raw for header in leg.request.headers if header.name == "to")
            self._say(leg, "CANCEL", to)

    def acknowledge(self, leg: Leg, response: Response) -> None:
        """ACK a final refusal."""
        self._say(leg, "ACK", next(header.raw for header in response.headers if header.name == "to"))

    def late(self, leg: Leg, response: Response, now: float) -> None:
        """An answer to an abandoned leg: end what it would leave open."""
        if response.status < 200:
            leg.heard = True
            self.abandon(leg)
        elif response.status >= 300:
            self.acknowledge(leg, response)
        else:
            self._hang_up(leg, response, now)

    def _say(self, leg: Leg, method: str, to: bytes) -> None:
        kept = {header.name: header for header in leg.request.headers if header.name in ("from", "call-id")}
        lines = [
            f"{method} {leg.request.uri} SIP/2.0".encode("latin-1"),
            f"Via: {self._agenda.own_via(leg.branch, leg.worker)}".encode("latin-1"),
            f"Max-Forwards: {MAX_FORWARDS}".encode(),
            kept["from"].raw,
            to,
            kept["call-id"].raw,
            f"CSeq: {leg.cseq} {method}".encode("latin-1"),
            b"Content-Length: 0",
            b"",
            b"",
        ]
        self._agenda.send(b"\r\n".join(lines), leg.worker)

    def _hang_up(self, leg: Leg, response: Response, now: float) -> None:
        target = _target(response) or leg.request.uri
        names = ("From", "To", "Call-ID")
        headers = [f"{name}: {response.first(name.lower()) or ''}" for name in names]
        branch = self._agenda.signer.branch("ack", leg.branch)
        lines = [
            f"ACK {target} SIP/2.0",
            f"Via: {self._agenda.own_via(branch, leg.worker)}",
            f"Max-Forwards: {MAX_FORWARDS}",
            *headers,
            f"CSeq: {leg.cseq} ACK",
            "Content-Length: 0",
            "",
            "",
        ]
        self._agenda.send("\r\n".join(lines).encode("latin-1"), leg.worker)
        if not leg.hung_up:
            leg.hung_up = True
            self._dialogs.bye(target, (), [*headers, f"CSeq: {leg.cseq + 1} BYE"], leg.worker, now)


def _target(response: Response) -> str | None:
    try:
        uri = address_of(response.first("contact") or "")[0]
    except Malformed:
        return None
    return uri if uri_of(uri) is not None else None
