"""The SIP edge as a function of bytes and time: datagrams, decisions and dead workers go in, actions come out."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from oneinbox.contracts.admission import Admitted, Decision
from oneinbox.edge.actions import Action, Address, EdgeConfig
from oneinbox.edge.agenda import Agenda, Fading
from oneinbox.edge.dialog import Dialog
from oneinbox.edge.dialogs import Dialogs
from oneinbox.edge.entry import Entry, Heard, unsupported
from oneinbox.edge.fields import Basics, basics, options_in, split, uri_of
from oneinbox.edge.framing import PING, PONG
from oneinbox.edge.gate import Gate
from oneinbox.edge.invites import Invites
from oneinbox.edge.message import Malformed, Request, Response, made, read
from oneinbox.edge.nonces import Nonces
from oneinbox.edge.relay import Relay
from oneinbox.edge.routing import hop_of, upright
from oneinbox.edge.signing import Hop
from oneinbox.edge.tally import SILENCED, UNREADABLE, Tally

ALLOW = made("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, NOTIFY")
ACCEPT = made("Accept", "application/sdp")
WORKER_SECONDS = 3600.0
MAX_WORKERS = 1000
FAMILIAR_SECONDS = 7200.0
"""The longest call: what its caller says in it isn't kept out by strangers."""


class Edge:
    """The whole edge but its socket.

    `is_known` says whether a host may be told more than that it may not call; `asks`, whether strangers may prove who
    they are; `may_call`, whether some number may admit this host: while strangers are few, admission is asked about
    those too of whom it says no.
    """

    def __init__(
        self,
        config: EdgeConfig,
        is_known: Callable[[str], bool],
        asks: Callable[[], bool] = lambda: False,
        may_call: Callable[[str], bool] = lambda host: True,
    ) -> None:
        self._agenda = Agenda(config)
        self._is_known = is_known
        self._asks = asks
        self._may_call = may_call
        self._dialogs = Dialogs(self._agenda)
        self._nonces = Nonces(config.nonce_key, config.max_nonces)
        self._invites = Invites(self._agenda, self._dialogs, self._nonces)
        self._relay = Relay(self._agenda, self._dialogs)
        self._gate = Gate(config)
        self._workers: Fading[Address, bool] = Fading(WORKER_SECONDS, MAX_WORKERS)
        self._familiar: Fading[str, bool] = Fading(FAMILIAR_SECONDS, config.max_sources)
        self._tally = Tally(self._agenda)
        self._entry = Entry(self._agenda, self._invites, self._nonces, self._tally, asks, may_call)

    def take_up(self, kept: Iterable[str], now: float) -> None:
        """Go on with the dialogs that an earlier edge has asked to keep. What can't be read is passed over."""
        for text in kept:
            try:
                dialog = Dialog.from_text(text)
            except (ValueError, TypeError, KeyError):
                continue
            self._dialogs.take_up(dialog, now)
            self._workers.put(dialog.hop.worker, True, now)
            self._familiar.put(dialog.caller.host, True, now)

    def receive(self, data: bytes, source: Address, now: float) -> list[Action]:
        """One datagram, or one message or ping that a stream has framed. Never raises for what is in it."""
        self._agenda.run(now)
        source = Address(*source)
        ping = source.is_stream and data == PING
        if ping or data.strip(b"\r\n\0 "):
            known = self._is_known(source[0])
            if not (self._workers.get(source, now) or self._opens(data, source[0], known, now)):
                self._tally.add(source[0], SILENCED, now)
            elif ping:
                self._agenda.send(PONG, source)
            else:
                self._heard(data, source, known, now)
        return self._agenda.take()

    def decided(self, key: str, decision: Decision, now: float) -> list[Action]:
        """Admission's answer to an `Ask`."""
        if isinstance(decision, Admitted):
            for route in decision.routes:
                self._workers.put(Address(route.host, route.port), True, now)
            if (invite := self._invites.find(key)) is not None:
                self._familiar.put(invite.source.host, True, now)
        self._invites.decided(key, decision, now)
        return self._agenda.take()

    def worker_gone(self, address: Address, now: float) -> list[Action]:
        """A voice worker is dead: its callers get a BYE, its pending INVITEs the next route."""
        address = Address(*address)
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
            "sources": len(self._gate),
            "familiar": len(self._familiar),
            "tally": len(self._tally),
            "nonces": len(self._nonces),
            "timers": len(self._agenda),
        }

    def _opens(self, data: bytes, host: str, known: bool, now: float) -> bool:
        """Is this message to be read? Of a caller who was let in a moment ago, as if he were known."""
        familiar = known or self._familiar.get(host, now) is not None
        hopeful = familiar or self._asks() or self._may_call(host)
        return self._gate.opens(data, host, familiar, hopeful, now)

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
                self._entry.malformed(message, source, known, str(error), data, now)
            return
        if isinstance(message, Response):
            self._response(message, said, source, now)
        else:
            self._request(Heard(message, said, source, known, now))

    def _response(self, response: Response, said: Basics, source: Address, now: float) -> None:
        if not self._agenda.is_ours(said.via) or self._dialogs.answered(said.via.branch, response.status, now):
            return
        leg = self._invites.legs.find(said.via.branch)
        if leg is None:
            if len([value for header in response.all("via") for value in split(header.value, ",")]) > 1:
                self._relay.response(response, said, source, now)
        elif source == leg.worker and said.cseq_method == "INVITE":
            self._invites.response(leg, response, now)

    def _request(self, heard: Heard) -> None:
        heard = replace(heard, request=upright(heard.request)) if heard.said.to_tag else heard
        request, said, now = heard.request, heard.said, heard.now
        invite = self._invites.find(self._entry.key(request, said, heard.source))
        hop = hop_of(request, self._agenda.signer, said.call_id) if said.to_tag else None
        if said.to_tag and not request.all("route"):
            hop = self._dialogs.hop(said, heard.source, now)
        match request.method:
            case "INVITE" if invite is not None:
                self._invites.repeated(invite)
            case "ACK" if invite is not None and not (invite.is_accepted and hop is not None):
                self._invites.acknowledged(invite)
            case "CANCEL" if invite is not None:
                self._entry.agree(heard, invite)
                self._invites.cancelled(invite, now)
            case _ if hop is not None:
                self._onward(heard, hop)
            case "INVITE" if not said.to_tag:
                self._entry.invite(heard)
            case "ACK":
                pass
            case _:
                self._outside(heard)

    def _onward(self, heard: Heard, hop: Hop) -> None:
        if heard.source == hop.worker:
            self._workers.put(heard.source, True, heard.now)
        status = self._relay.request(heard.request, heard.said, heard.source, hop, heard.now)
        if status is not None and heard.request.method != "ACK":
            self._entry.reply(replace(heard, known=True), status)

    def _outside(self, heard: Heard) -> None:
        """Requests that belong to no dialog and open none."""
        request = heard.request
        if request.version.upper() != "SIP/2.0":
            self._entry.reply(heard, 505)
        elif heard.said.to_tag or request.method == "CANCEL":
            self._entry.reply(heard, 481)
        elif request.method != "OPTIONS":
            self._entry.reply(heard, 405, ALLOW)
        elif uri_of(request.uri) is None:
            self._entry.reply(heard, 416)
        elif unknown := options_in(request, "require") | options_in(request, "proxy-require"):
            self._entry.reply(heard, 420, unsupported(unknown))
        else:
            self._entry.reply(heard, 200, ALLOW, ACCEPT)
