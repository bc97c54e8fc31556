"""Dialogs, as far as a BYE to either side needs them, and the BYEs that the edge sends itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from oneinbox.edge.actions import LIFETIME, T1, T2, Address, Keep
from oneinbox.edge.agenda import Agenda, Fading
from oneinbox.edge.dialog import Dialog, Key
from oneinbox.edge.fields import Basics, address_of, basics, split, uri_of
from oneinbox.edge.message import Malformed, Message, Request, Response
from oneinbox.edge.rewriting import MAX_FORWARDS, hostport
from oneinbox.edge.routing import elsewhere, is_ours, toward_caller
from oneinbox.edge.sessions import LEAST_SECONDS, agreed, patience, wanted
from oneinbox.edge.signing import Hop

LONGEST_SECONDS = 4 * 3600.0
"""Calls last two hours at most; what is older had its BYE pass us by."""


@dataclass(frozen=True, slots=True)
class Bye:
    """A BYE of ours, until it is answered."""

    data: bytes
    dest: Address
    otherwise: Address | None = None
    ends: Dialog | None = None
    """The dialog that is over when this is answered."""


class Dialogs:
    """The answered calls that run through here."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._closed: Fading[Key, Dialog] = Fading(LIFETIME, agenda.config.max_dialogs)
        self._open: Fading[Key, Dialog] = Fading(LONGEST_SECONDS, agenda.config.max_dialogs)
        self._byes: dict[str, Bye] = {}

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, invite: Request, answer: Response, hop: Hop, now: float) -> None:
        """A 2xx has passed: the dialog stands. One that can't be read is left to its two sides."""
        try:
            ours, said = basics(answer), basics(invite)
        except Malformed:
            return
        key = (ours.call_id, ours.from_tag, ours.to_tag)
        self._begin(key, answer, hop, now, target=_contact(invite), routes=_record_route(invite), cseq=said.cseq)
        self.prolong(ours, agreed(wanted(invite), answer), now)

    def inherited(self, answer: Response, said: Basics, hop: Hop, now: float) -> None:
        """A 2xx to an INVITE that an earlier edge has passed on: of the caller is known what the answer repeats."""
        key = (said.call_id, said.from_tag, said.to_tag)
        routes = tuple(route for route in _record_route(answer) if not is_ours(route))
        self._begin(key, answer, hop, now, target=None, routes=routes, cseq=said.cseq)

    def take_up(self, dialog: Dialog, now: float) -> None:
        """One that an earlier edge has kept; whoever has promised to refresh it has its whole time from now."""
        dialog.refreshed = now
        self._open.put(dialog.key, dialog, now)
        self._watch(dialog, now)

    def find(self, said: Basics, from_worker: bool, now: float) -> Dialog | None:
        """The dialog that a request or response belongs to."""
        caller_tag, worker_tag = (said.to_tag, said.from_tag) if from_worker else (said.from_tag, said.to_tag)
        key = (said.call_id, caller_tag, worker_tag)
        return self._open.get(key, now) or self._closed.get(key, now)

    def hop(self, said: Basics, source: Address, now: float) -> Hop | None:
        """The sides of the dialog of a request without our Route: some callers send straight to us (RFC 2543 had none).

        Its tags, and that it comes from the side where they are known, are what tells it from a forged one.
        """
        for from_worker in (False, True):
            dialog = self.find(said, from_worker, now)
            if dialog is not None:
                there = source == dialog.hop.worker if from_worker else source.host == dialog.caller.host
                return dialog.hop if there else None
        return None

    def passed(self, request: Request, said: Basics, source: Address, from_worker: bool, now: float) -> None:
        """Learn from a request that is being forwarded: CSeq, a new Contact, and the end."""
        dialog = self.find(said, from_worker, now)
        if dialog is None:
            return
        if from_worker:
            dialog.worker_cseq = max(dialog.worker_cseq, said.cseq)
        else:
            dialog.caller = source if source.is_stream else dialog.caller
            dialog.caller_cseq = max(dialog.caller_cseq, said.cseq)
            if request.method in ("INVITE", "UPDATE"):
                dialog.caller_target = _contact(request) or dialog.caller_target
        if request.method == "BYE":
            self.close(dialog, now)
        elif from_worker or request.method in ("INVITE", "UPDATE"):
            self._keep(dialog, now)

    def refreshed(self, answer: Response, said: Basics, now: float) -> None:
        """The caller's 2xx to the worker's re-INVITE or UPDATE may bring a new Contact."""
        dialog = self.find(said, True, now)
        if dialog is not None:
            dialog.caller_target = _contact(answer) or dialog.caller_target
            self._keep(dialog, now)

    def prolong(self, said: Basics, seconds: int, now: float) -> None:
        """The caller was told to refresh the call within so many seconds; 0: that it need not."""
        dialog = self.find(said, False, now)
        if dialog is not None and (seconds or dialog.session):
            dialog.session, dialog.refreshed = seconds, now
            self._keep(dialog, now)

    def close(self, dialog: Dialog, now: float) -> None:
        """Its BYE has come; it is remembered for a little while, so that a repeated BYE finds it."""
        self._open.pop(dialog.key)
        self._closed.put(dialog.key, dialog, now)
        self._agenda.act(Keep(dialog.name, None))

    def worker_gone(self, worker: Address, now: float) -> None:
        """Every caller of this worker gets a BYE."""
        for dialog in self._open.values(now):
            if dialog.hop.worker == worker and not dialog.orphaned:
                self._orphan(dialog, now)
        for dialog in self._closed.values(now):
            dialog.orphaned = dialog.orphaned or dialog.hop.worker == worker

    def _watch(self, dialog: Dialog, now: float) -> None:
        """Look at it until it ends, often enough for the shortest session: one timer, however often it is refreshed."""
        if dialog.orphaned or self._open.get(dialog.key, now) is not dialog:
            return
        ends = dialog.refreshed + patience(dialog.session) if dialog.session else inf
        if now >= ends:
            self._expire(dialog, now)
        else:
            self._agenda.at(min(ends, now + patience(LEAST_SECONDS)), lambda later: self._watch(dialog, later))

    def _expire(self, dialog: Dialog, now: float) -> None:
        """Nobody has refreshed it: both sides get a BYE (RFC 4028, section 10)."""
        headers = [
            f"From: {dialog.remote}",
            f"To: {dialog.local}",
            f"Call-ID: {dialog.key[0]}",
            f"CSeq: {dialog.caller_cseq + 1} BYE",
            'Reason: SIP ;cause=408 ;text="The session was not refreshed"',
        ]
        self.bye(f"sip:{hostport(dialog.hop.worker)}", (), headers, dialog.hop.worker, now)
        self._orphan(dialog, now)

    def _orphan(self, dialog: Dialog, now: float) -> None:
        dialog.orphaned = True
        dialog.worker_cseq += 1
        self._bye_to_caller(dialog, now)

    def answered(self, branch: str, status: int, now: float) -> bool:
        """An answer came; True when it was to a BYE of ours."""
        if branch not in self._byes:
            return False
        if status >= 200 and (over := self._byes.pop(branch).ends) is not None:
            self.close(over, now)
        return True

    def bye(
        self,
        target: str,
        routes: Sequence[str],
        headers: Sequence[str],
        dest: Address,
        now: float,
        otherwise: Address | None = None,
        ends: Dialog | None = None,
    ) -> None:
        """Send a BYE until it is answered, at most LIFETIME. `headers` are From, To, Call-ID and CSeq lines.

        `ends` is the dialog that is over when it is.
        """
        branch = self._agenda.signer.branch("bye", *headers)
        lines = [
            f"BYE {target} SIP/2.0",
            f"Via: {self._agenda.own_via(branch, dest)}",
            f"Max-Forwards: {MAX_FORWARDS}",
            *(f"Route: {route}" for route in routes),
            *headers,
            "Content-Length: 0",
            "",
            "",
        ]
        self._byes[branch] = Bye("\r\n".join(lines).encode("latin-1"), dest, otherwise, ends)
        self._repeat(branch, T1, now + LIFETIME, now)

    def _bye_to_caller(self, dialog: Dialog, now: float) -> None:
        routes = dialog.caller_routes
        headers = [
            f"From: {dialog.local}",
            f"To: {dialog.remote}",
            f"Call-ID: {dialog.key[0]}",
            f"CSeq: {dialog.worker_cseq} BYE",
        ]
        first = address_of(routes[0])[0] if routes else dialog.caller_target
        dest = toward_caller(first, dialog.caller)
        self.bye(dialog.caller_target, routes, headers, dest, now, elsewhere(first, dialog.caller), dialog)

    def _begin(
        self,
        key: Key,
        answer: Response,
        hop: Hop,
        now: float,
        *,
        target: str | None,
        routes: tuple[str, ...],
        cseq: int,
    ) -> None:
        """Keep a dialog, unless it is kept already; without a target the caller is reached where it was heard."""
        if self._open.get(key, now) is not None:
            return
        dialog = Dialog(
            key=key,
            hop=hop,
            local=answer.first("to") or "",
            remote=answer.first("from") or "",
            caller=hop.caller,
            caller_target=target or f"sip:{hop.caller[0]}:{hop.caller[1]}",
            caller_routes=routes,
            caller_cseq=cseq,
        )
        self._open.put(key, dialog, now)
        self._keep(dialog, now)
        self._watch(dialog, now)

    def _keep(self, dialog: Dialog, now: float) -> None:
        """Not what is over: an answer that comes after the BYE would have it kept for ever."""
        if not dialog.orphaned and self._open.get(dialog.key, now) is dialog:
            self._agenda.act(Keep(dialog.name, dialog.to_text()))

    def _repeat(self, branch: str, pause: float, ends: float, now: float) -> None:
        bye = self._byes.get(branch)
        if bye is None:
            return
        if now >= ends:
            del self._byes[branch]
            if bye.ends is not None:  # it stays open: its caller, when he is back, may still hang up
                self._agenda.act(Keep(bye.ends.name, None))
            return
        self._agenda.send(bye.data, bye.dest, bye.otherwise)
        if bye.dest.is_stream:
            pause = ends - now
        self._agenda.at(min(now + pause, ends), lambda later: self._repeat(branch, min(2 * pause, T2), ends, later))


def _contact(message: Message) -> str | None:
    value = message.first("contact")
    if value is None:
        return None
    try:
        uri = address_of(split(value, ",")[0])[0]
    except Malformed:
        return None
    return uri if uri_of(uri) is not None else None


def _record_route(message: Message) -> tuple[str, ...]:
    try:
        routes = [route for header in message.all("record-route") for route in split(header.value, ",")]
        return tuple(route for route in routes if uri_of(address_of(route)[0]) is not None)
    except Malformed:
        return ()
