"""As much SIP as a caller needs that is timed: one INVITE, its ACK, a BYE, and answers to the far side's requests."""

import re
from dataclasses import dataclass

_CRLF = "\r\n"


@dataclass(frozen=True, slots=True)
class Message:
    """A message that came: its start line, its headers by lower-case name, its body."""

    start: str
    headers: dict[str, list[str]]
    body: str

    @property
    def status(self) -> int | None:
        """The status of a response."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else None

    @property
    def call_id(self) -> str:
        """Whose it is."""
        return self.headers.get("call-id", [""])[0]

    @property
    def method(self) -> str:
        """Of a request, or of what a response answers."""
        return self.headers.get("cseq", [" "])[0].split()[-1]

    @property
    def audio_port(self) -> int:
        """Where the far side wants audio."""
        found = re.search(r"^m=audio (\d+)", self.body, re.MULTILINE)
        return int(found[1]) if found else 0


def read(data: bytes) -> Message:
    """A datagram as a message."""
    head, _, body = data.decode("latin-1").partition(_CRLF * 2)
    start, *lines = head.split(_CRLF)
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), []).append(value.strip())
    return Message(start, headers, body)


@dataclass(slots=True)
class Dialog:
    """One call's signalling. `local` and `edge` are (host, port)."""

    number: str
    call_id: str
    local: tuple[str, int]
    edge: tuple[str, int]
    rtp_port: int
    to_tag: str = ""
    routes: tuple[str, ...] = ()
    target: str = ""

    def invite(self) -> bytes:
        """The first INVITE, offering PCMU."""
        host = self.local[0]
        offer = ("v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0")
        media = (f"m=audio {self.rtp_port} RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=sendrecv", "")
        uri = f"sip:{self.number}@{self.edge[0]}:{self.edge[1]}"
        return self.request("INVITE", uri, 1, "invite", "Content-Type: application/sdp", _CRLF.join(offer + media))

    def answered(self, ok: Message) -> None:
        """The 200 opened the dialog (RFC 3261, section 12.1.2)."""
        self.to_tag = ok.headers["to"][0].partition(";tag=")[2]
        self.routes = tuple(reversed(ok.headers.get("record-route", [])))
        found = re.search(r"<([^>]+)>", ok.headers["contact"][0])
        self.target = found[1] if found else ok.headers["contact"][0]

    def ack(self) -> bytes:
        """The ACK of a 200."""
        return self.request("ACK", self.target, 1, "ack")

    def cancel(self) -> bytes:
        """Giving up before the answer: of the INVITE's transaction."""
        return self.request("CANCEL", f"sip:{self.number}@{self.edge[0]}:{self.edge[1]}", 1, "invite")

    def ack_refusal(self, refusal: Message) -> bytes:
        """The ACK of any other final answer: of the INVITE's transaction."""
        self.to_tag = refusal.headers["to"][0].partition(";tag=")[2]
        uri = f"sip:{self.number}@{self.edge[0]}:{self.edge[1]}"
        return self.request("ACK", uri, 1, "invite")

    def bye(self) -> bytes:
        """The end."""
        return self.request("BYE", self.target, 2, "bye")

    def request(self, method: str, uri: str, cseq: int, branch: str, more: str = "", body: str = "") -> bytes:
        """Any request; `branch` tells transactions apart, `more` are whole header lines."""
        host, port = self.local
        tag = f";tag={self.to_tag}" if self.to_tag else ""
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{branch}-{self.call_id}",
            *(f"Route: {route}" for route in self.routes),
            f"From: <sip:+12025550123@{host}:{port}>;tag=f{self.call_id}",
            f"To: <sip:{self.number}@{self.edge[0]}:{self.edge[1]}>{tag}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:caller@{host}:{port}>",
            "Max-Forwards: 70",
            *([more] if more else []),
            f"Content-Length: {len(body)}",
        ]
        return (_CRLF.join(lines) + _CRLF * 2 + body).encode("latin-1")


def agree(request: Message) -> bytes:
    """200 OK to a request of the far side."""
    lines = ["SIP/2.0 200 OK"]
    for name in ("via", "record-route", "from", "to", "call-id", "cseq"):
        lines += [f"{name.title()}: {value}" for value in request.headers.get(name, [])]
    return (_CRLF.join([*lines, "Content-Length: 0"]) + _CRLF * 2).encode("latin-1")
