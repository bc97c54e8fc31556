"""In-dialog requests and their responses: on by the signed Route, back by Via, and nowhere else."""

from dataclasses import dataclass

from oneinbox.edge.actions import LIFETIME, Address
from oneinbox.edge.agenda import Agenda, Fading
from oneinbox.edge.dialogs import Dialogs
from oneinbox.edge.fields import Basics, cut, via_of
from oneinbox.edge.message import Malformed, Request, Response, wire
from oneinbox.edge.outside import inward, reached
from oneinbox.edge.rewriting import MAX_FORWARDS, forwarded, hostport, reply_address, returned
from oneinbox.edge.routing import elsewhere, hop_behind, next_hop, toward_caller, without_ours
from oneinbox.edge.sdp import allows_keys
from oneinbox.edge.sessions import agreed, promised, wanted, without_demand
from oneinbox.edge.signing import Hop

REFRESHING = ("INVITE", "UPDATE")
"""Methods that change where a side is reached, and prolong a session."""
MOST_TURNS = 8
"""More workers than are offered one INVITE."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """A request on its way: where its answers go, and from whom they may come (None: anyone who saw our branch)."""

    reply_to: Address
    answers_from: Address | None
    keys: bool
    """Has it asked for encryption?"""
    session: int | None
    """Seconds that the session is to last, 0 for ever, by a request of the caller's that refreshes it."""


class Relay:
    """Forwards without transactions of its own: both sides repeat what is lost (RFC 3261, section 16.11)."""

    def __init__(self, agenda: Agenda, dialogs: Dialogs) -> None:
        self._agenda = agenda
        self._dialogs = dialogs
        self._relayed: Fading[str, Relayed] = Fading(LIFETIME, agenda.config.max_relayed)

    def __len__(self) -> int:
        return len(self._relayed)

    def request(self, request: Request, said: Basics, source: Address, hop: Hop, now: float) -> int | None:
        """Forward to the other side. Returns the status to answer with instead, when it can't go on."""
        from_worker = source == hop.worker
        dialog = self._dialogs.find(said, from_worker, now)
        if dialog is not None and dialog.orphaned and not from_worker:
            if request.method != "BYE":
                return 481
            self._dialogs.close(dialog, now)
            return 200
        if said.max_forwards == 0:
            return 483
        plain = Request(without_ours(request), request.body, request.method, request.uri)
        caller = dialog.caller if dialog is not None else hop.caller
        dest = toward_caller(next_hop(plain), caller) if from_worker else hop.worker
        if from_worker:
            plain = self._agenda.outward(plain, hop.worker, dest, keys=True)
        else:
            plain = self._inward(plain, source, hop)
        branch = self._branch(said, source)
        session = wanted(request) if request.method in REFRESHING and not from_worker else None
        answers_from = None if from_worker else hop.worker
        back = Relayed(reply_address(said.via, source), answers_from, allows_keys(request.body), session)
        self._relayed.put(branch, back, now)
        hops = MAX_FORWARDS if said.max_forwards is None else said.max_forwards - 1
        onward = forwarded(plain, said.via, source, self._agenda.own_via(branch, dest), hops)
        self._agenda.send(wire(onward), dest, elsewhere(next_hop(plain), caller) if from_worker else None)
        self._dialogs.passed(request, said, source, from_worker, now)
        return None

    def _inward(self, request: Request, source: Address, hop: Hop) -> Request:
        """What a caller says, as its worker is to read it."""
        public = self._agenda.config.public
        if public is not None:
            request = inward(request, hostport(hop.worker), public)
        return without_demand(reached(request, source.host))

    def response(self, response: Response, said: Basics, source: Address, now: float) -> None:
        """Back to where the request came from."""
        relayed = self._relayed.get(said.via.branch, now)
        if relayed is None:
            self._inherited(response, said, source, now)
            return
        if relayed.answers_from not in (None, source):
            return
        self._relayed.put(said.via.branch, relayed, now)
        if relayed.answers_from is None and said.cseq_method in REFRESHING and 200 <= response.status < 300:
            self._dialogs.refreshed(response, said, now)
        back = returned(response)
        if relayed.session is not None and 200 <= response.status < 300:
            seconds = agreed(relayed.session, response)
            self._dialogs.prolong(said, seconds, now)
            back = promised(back, seconds)
        if relayed.answers_from is not None:
            back = self._agenda.outward(back, relayed.answers_from, relayed.reply_to, keys=relayed.keys)
        self._agenda.send(wire(back), relayed.reply_to)

    def _inherited(self, response: Response, said: Basics, source: Address, now: float) -> None:
        """A worker's 2xx to an INVITE that an edge before this one has passed on: our signature says for whom it is."""
        if said.cseq_method != "INVITE" or not 200 <= response.status < 300:
            return
        try:
            hop = hop_behind(response, self._agenda.signer, said.call_id)
            if hop is None or source != hop.worker or not self._is_of_a_leg(response, said, hop):
                return
        except Malformed:
            return
        self._dialogs.inherited(response, said, hop, now)
        back = self._agenda.outward(returned(response), hop.worker, hop.caller, keys=True)
        self._agenda.send(wire(back), hop.caller)

    def _is_of_a_leg(self, response: Response, said: Basics, hop: Hop) -> bool:
        """Is its branch one that an edge gives to an INVITE of this caller?"""
        signer, vias = self._agenda.signer, [value for one in response.all("via") for value in cut(one.value, ",")]
        via = via_of(vias[1].strip())
        key = signer.invite_key(via.branch, via.sent_by, hop.caller.host)
        return said.via.branch in {signer.leg_branch(key, turn) for turn in range(MOST_TURNS)}

    def _branch(self, said: Basics, source: Address) -> str:
        """The same for an INVITE, its CANCEL and the ACK of its refusal, and for every repetition of them."""
        via = said.via
        return self._agenda.signer.branch(
            "relay", via.branch, via.sent_by, source[0], said.call_id, str(said.cseq), said.from_tag
        )
