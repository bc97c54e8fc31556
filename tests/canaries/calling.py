"""Calls that carry secrets in real SIP: logins with wrong and right passwords, and passwords where none belongs."""

import base64
import hashlib
import re
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.canaries.planted import FIELDS, SIP, USERNAME

NUMBER = "15550111001"
RIGHT, WRONG = FIELDS["SipProviderConfig.inbound_password"], SIP["SIP wrong password"]
ANSWER_SECONDS = 30.0
SPEAKS_SECONDS = 3.0
"""How long the agent is listened to: it is recorded."""


@dataclass
class Phone:
    """A caller's phone. `responses` are the digests that it has sent: who has one can guess the password."""

    edge: tuple[str, int]
    sip: socket.socket
    rtp: socket.socket
    responses: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    invited: list[str] = field(default_factory=list)
    """Call-IDs."""

    def dialog(self, uri: str, **special: str) -> "Dialog":
        """A call of its own."""
        return Dialog(self, uri, **special)

    def login(self, challenge: bytes, uri: str, password: str, method: str = "INVITE") -> str:
        """Credentials for a challenge's first algorithm (RFC 7616, section 3.4)."""
        said = {
            name.decode(): value.decode() for name, value in re.findall(rb'(nonce|algorithm)="?([^",\s]+)', challenge)
        }
        hashed = hashlib.md5 if said["algorithm"] == "MD5" else hashlib.sha256
        first, second = (
            hashed(one.encode()).hexdigest() for one in (f"{USERNAME}:oneinbox:{password}", f"{method}:{uri}")
        )
        proof = hashed(f"{first}:{said['nonce']}:00000001:c0ffee:auth:{second}".encode()).hexdigest()
        self.responses.append(proof)
        return (
            f'Authorization: Digest username="{USERNAME}", realm="oneinbox", nonce="{said["nonce"]}", uri="{uri}", '
            f'response="{proof}", algorithm={said["algorithm"]}, qop=auth, nc=00000001, cnonce="c0ffee"\r\n'
        )


@dataclass
class Dialog:
    """One caller's INVITEs and what follows them."""

    phone: Phone
    uri: str
    caller: str = "sip:+15550105678@127.0.0.1"
    agent: str = "User-Agent: canary\r\n"
    number: int = 0
    remote: bytes = b""
    branch: str = ""
    call_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def invite(self, extra: str = "") -> bytes:
        """Send an INVITE; its final answer, acknowledged."""
        self.phone.invited.append(self.call_id)
        port = self.phone.rtp.getsockname()[1]
        sdp = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
        answer = self.ask("INVITE", self.uri, extra, sdp.encode(), seconds=ANSWER_SECONDS)
        self.remote = answer
        if answer:
            self._say("ACK", self._target(), self._routes(), b"")
        return answer

    def ask(self, method: str, uri: str, extra: str = "", body: bytes = b"", *, seconds: float = 2.0) -> bytes:
        """Send a request; its final answer, or nothing after that time."""
        self.number += 1
        self._say(method, uri, extra, body)
        mine = rf"SIP/2\.0 [2-6].*\r\nCall-ID: {self.call_id}\r\n.*CSeq: {self.number} {method}\r\n".encode()
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.phone.sip.settimeout(left)
            try:
                heard = self.phone.sip.recv(65536)
            except TimeoutError:
                break
            if re.match(mine, heard, re.DOTALL | re.IGNORECASE):
                self.phone.statuses.append(int(heard[8:11]))
                return heard
        return b""

    def end(self, extra: str = "") -> bytes:
        """BYE."""
        return self.ask("BYE", self._target(), self._routes() + extra)

    def _say(self, method: str, uri: str, extra: str, body: bytes) -> None:
        host, port = self.phone.sip.getsockname()
        tag = re.search(rb"\r\nTo:[^\r]*;tag=([^;\r]+)", self.remote) if method in {"ACK", "BYE"} else None
        if not (method == "ACK" and not self.remote.startswith(b"SIP/2.0 2")):
            self.branch = f"z9hG4bK{uuid.uuid4().hex}"
        to_tag = f";tag={tag[1].decode()}" if tag else ""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        head = (
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch={self.branch}\r\n"
            f"From: <{self.caller}>;tag=canary\r\nTo: <sip:{NUMBER}@127.0.0.1>{to_tag}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {self.number} {method}\r\nContact: <sip:canary@{host}:{port}>\r\n"
            f"Max-Forwards: 70\r\n{self.agent}{extra}{kind}Content-Length: {len(body)}\r\n\r\n"
        )
        self.phone.sip.sendto(head.encode() + body, self.phone.edge)

    def _target(self) -> str:
        contact = re.search(rb"\r\nContact:[^<\r]*<([^>]+)>", self.remote)
        return contact[1].decode() if contact else self.uri

    def _routes(self) -> str:
        return "".join(f"Route: {one.decode()}\r\n" for one in re.findall(rb"\r\nRecord-Route: ([^\r]+)", self.remote))


@contextmanager
def phone(port: int) -> Iterator[Phone]:
    """A phone for calls to the edge at that port."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sip,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp,
    ):
        for one in (sip, rtp):
            one.bind(("127.0.0.1", 0))
        yield Phone(("127.0.0.1", port), sip, rtp)


def let_slip(calling: Phone) -> None:
    """Everything that callers get wrong, and one call that is answered, recorded and ended."""
    uri = f"sip:{NUMBER}@127.0.0.1"
    modern, nameless = "User-Agent: canary\r\n", ""
    for password in (WRONG, RIGHT):
        for agent in (modern, nameless):
            dialog = calling.dialog(uri, agent=agent)
            answer = dialog.invite(calling.login(dialog.invite(), uri, password))
            if answer.startswith(b"SIP/2.0 200"):
                time.sleep(SPEAKS_SECONDS)
                dialog.end(calling.login(b'nonce="x", algorithm=MD5,', uri, password, "BYE"))
    _misplaced(calling, uri)


def _misplaced(calling: Phone, uri: str) -> None:
    """Passwords in URIs and in headers that are none of ours, in requests of every kind."""
    address, known = SIP["SIP password in a URI"], SIP["SIP password in the open"]
    with_password = f"sip:{NUMBER}:{address}@127.0.0.1"
    stranger = f"sip:15559999999:{address}@127.0.0.1"
    basic = base64.b64encode(f"{USERNAME}:{known}".encode()).decode()
    headers = (
        f"Authorization: Basic {basic}\r\n",
        f'Authorization: Digest username="{USERNAME}", realm="oneinbox", password="{known}"\r\n',
        f'Authorization: Digest username="a", realm="elsewhere", nonce="1", uri="sip:a", response="{known}"\r\n',
        f"Proxy-Authorization: Basic {basic}\r\n",
        f"Authorization: {known}\r\n",
    )
    for header in headers:
        for method in ("INVITE", "REGISTER", "OPTIONS", "MESSAGE"):
            calling.dialog(uri).ask(method, uri, header)
    for asked in (with_password, stranger):
        dialog = calling.dialog(asked, caller=f"sip:+15550105678:{address}@127.0.0.1")
        if (answer := dialog.invite()).startswith(b"SIP/2.0 401"):
            dialog.invite(calling.login(answer, asked, WRONG))
    for spoiled in (
        f"CSeq: x\r\nAuthorization: {known}\r\n",
        f"Max-Forwards: {known}\r\n",
        f"To: <sip:a:{address}@b\r\n",
    ):
        calling.dialog(with_password).ask("INVITE", with_password, spoiled)
