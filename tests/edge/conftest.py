"""A line in virtual time: bytes go into the core at `now`, and what comes out is kept in order."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from oneinbox.contracts.admission import Admitted, Attempt, Cause, Refused, WorkerRoute
from oneinbox.edge.actions import Action, Address, Ask, EdgeConfig, Record, Send
from oneinbox.edge.core import Edge
from oneinbox.edge.message import Request, Response, read

CALLER = Address("127.0.0.2", 5070)
STRANGER = Address("192.0.2.66", 5060)
WORKER = Address("127.0.0.1", 6001)
SECOND_WORKER = Address("127.0.0.1", 6002)
EDGE = Address("127.0.0.1", 5060)
SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nm=audio 4000 RTP/AVP 0\r\n"

CONFIG = EdgeConfig(EDGE, b"k" * 32)


class Line:
    """The edge with one caller side and two voice workers."""

    caller, stranger, worker, second, edge_address, sdp = CALLER, STRANGER, WORKER, SECOND_WORKER, EDGE, SDP

    def __init__(self, config: EdgeConfig = CONFIG) -> None:
        self.config = config
        self.now = 1000.0
        self.core = self.fresh()

    def fresh(self) -> Edge:
        """A core that remembers nothing, as after a restart."""
        return Edge(self.config, lambda host: host.startswith("127."))

    def restart(self) -> None:
        self.core = self.fresh()

    def hear(self, data: bytes, source: Address = CALLER) -> list[Action]:
        return self.core.receive(data, source, self.now)

    def wait(self, seconds: float) -> list[Action]:
        """Let time pass, timer by timer."""
        actions: list[Action] = []
        end = self.now + seconds
        while (due := self.core.next_timer()) is not None and due <= end:
            self.now = max(self.now, due)
            actions += self.core.tick(self.now)
        self.now = end
        return actions

    def admit(self, key: str, *workers: Address) -> list[Action]:
        routes = tuple(
            WorkerRoute(f"w{n}", address[0], address[1], {"X-OI-Call-Id": "call-1", "X-OI-Ticket": "true-ticket"})
            for n, address in enumerate(workers or (WORKER, SECOND_WORKER), 1)
        )
        return self.core.decided(key, Admitted("call-1", "+15551234567", routes), self.now)

    def refuse(self, key: str, status: int = 404, cause: Cause = Cause.NO_SUCH_NUMBER) -> list[Action]:
        return self.core.decided(key, Refused(status, cause, "Because."), self.now)

    def begin(self, *workers: Address, call_id: str = "c1", branch: str = "z9hG4bKa") -> Request:
        """An INVITE up to the worker; returns it as the worker sees it."""
        asked = self.hear(invite(call_id=call_id, branch=branch))
        return sent(self.admit(key_of(asked), *workers))[0][0]

    def establish(self, call_id: str = "c1", branch: str = "z9hG4bKa") -> Response:
        """A call up to the caller's ACK; returns the 200 as the caller sees it."""
        seen = self.begin(call_id=call_id, branch=branch)
        (ok, _), *_ = sent(self.hear(answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), WORKER))
        self.hear(in_dialog("ACK", ok, cseq=1, branch=branch + "ack"))
        return ok


def invite(
    uri: str = "sip:15551234567@edge.example",
    call_id: str = "c1",
    branch: str = "z9hG4bKa",
    via: str = "127.0.0.2:5070",
    extra: str = "",
    hops: int = 70,
    cseq: int = 1,
    method: str = "INVITE",
    to_tag: str = "",
    from_line: str = 'From: "Bob" <sip:+15550105678@carrier.example>;tag=f1',
    body: bytes = SDP,
) -> bytes:
    """A request of the caller's; `extra` are whole header lines, each with its CRLF."""
    head = (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch={branch};rport\r\n{from_line}\r\n"
        f"To: <sip:15551234567@edge.example>{to_tag}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n"
        f"Max-Forwards: {hops}\r\nContact: <sip:bob@127.0.0.2:5070>\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("latin-1") + body


def answer(
    request: Request, status: int, contact: str = "", tag: str = "w1", body: bytes = b"", extra: str = ""
) -> bytes:
    """A worker's or caller's answer to a request as it arrived there."""
    lines = [f"SIP/2.0 {status} Word".encode()]
    for header in request.headers:
        if header.name in ("via", "record-route", "from", "call-id", "cseq"):
            lines.append(header.raw)
        elif header.name == "to":
            lines.append(header.raw if b"tag=" in header.raw or status == 100 else header.raw + b";tag=" + tag.encode())
    if contact:
        lines.append(f"Contact: {contact}".encode())
    lines += [line.encode() for line in extra.split("\r\n") if line]
    return b"\r\n".join([*lines, f"Content-Length: {len(body)}".encode(), b"", body])


def in_dialog(method: str, ok: Response, cseq: int, branch: str, route: str | None = None, extra: str = "") -> bytes:
    """A request of the caller's inside the dialog that `ok` opened, by its Record-Route unless `route` is given."""
    routes = route if route is not None else "".join(f"Route: {h.value}\r\n" for h in ok.all("record-route"))
    tag = (ok.first("to") or "").partition(";tag=")[2]
    return invite(
        uri="sip:w@127.0.0.1:6001",
        method=method,
        to_tag=f";tag={tag}",
        cseq=cseq,
        branch=branch,
        extra=routes + extra,
        call_id=ok.first("call-id") or "",
        body=b"",
    )


def from_worker(
    method: str, seen: Request, cseq: int, branch: str = "z9hG4bKw", target: str = "sip:bob@127.0.0.2:5070"
) -> bytes:
    """A request of the worker's inside the dialog of the INVITE that it saw."""
    lines = [
        f"{method} {target} SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1:6001;branch={branch};rport",
        *(f"Route: {header.value}" for header in seen.all("record-route")),
        f"From: {seen.first('to')};tag=w1",
        f"To: {seen.first('from')}",
        f"Call-ID: {seen.first('call-id')}",
        f"CSeq: {cseq} {method}",
        "Max-Forwards: 70",
        "Content-Length: 0",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def sent(actions: list[Action]) -> list[tuple[Request | Response, Address]]:
    """The datagrams among actions, parsed."""
    return [(read(action.data), action.dest) for action in actions if isinstance(action, Send)]


def starts(actions: list[Action]) -> list[str]:
    """First words of the datagrams: a status, or a method."""
    return [str(m.status) if isinstance(m, Response) else m.method for m, _ in sent(actions)]


def key_of(actions: list[Action]) -> str:
    (key,) = [action.key for action in actions if isinstance(action, Ask)]
    return key


def records(actions: list[Action]) -> list[Attempt]:
    return [action.attempt for action in actions if isinstance(action, Record)]


class Words:
    """The helpers above, for tests (which are imported one by one)."""

    invite, answer, in_dialog, from_worker = map(staticmethod, (invite, answer, in_dialog, from_worker))
    sent, starts, key_of, records = map(staticmethod, (sent, starts, key_of, records))


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def make_line() -> Callable[..., Line]:
    """A line with other limits."""
    return lambda **limits: Line(replace(CONFIG, **limits))


@pytest.fixture
def say() -> type[Words]:
    return Words
