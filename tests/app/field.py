"""A caller that sends the field cases' templates, byte for byte, and reads what comes back."""

import asyncio
import re
import uuid
from collections.abc import Mapping
from pathlib import Path

from oneinbox.edge.message import Request, Response, read

CASES = Path(__file__).parents[3] / "shared" / "data" / "field-cases"
NUMBER, CALLER = "15550101234", "15550105678"


class Datagrams(asyncio.DatagramProtocol):
    """What has come, and from where."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.put_nowait((data, addr))


def filled(template: bytes, tokens: Mapping[str, str]) -> bytes:
    """The template with its tokens filled; several messages may follow one another."""
    for name, value in tokens.items():
        template = template.replace(b"{{" + name.encode() + b"}}", value.encode())
    messages = []
    for message in re.split(rb"(?=\{\{START\}\})", template):
        text = message.replace(b"{{START}}", b"")
        body = text.partition(b"\r\n\r\n")[2].replace(b"{{CUT}}", b"")
        messages.append(text.replace(b"{{LEN}}", str(len(body)).encode()))
    return b"".join(messages)


class Caller:
    """One caller's call: a SIP socket, an RTP socket, and what the templates need to know."""

    def __init__(self, edge: tuple[str, int], host: str) -> None:
        self._edge, self._host = edge, host
        self.sip, self.rtp = Datagrams(), Datagrams()
        self.tokens = {"CALLID": uuid.uuid4().hex, "BRANCH": uuid.uuid4().hex, "FTAG": uuid.uuid4().hex[:8]}

    async def start(self) -> "Caller":
        loop = asyncio.get_running_loop()
        self._sip, _ = await loop.create_datagram_endpoint(lambda: self.sip, (self._host, 0))
        self._rtp, _ = await loop.create_datagram_endpoint(lambda: self.rtp, (self._host, 0))
        port, rtp = (one.get_extra_info("sockname")[1] for one in (self._sip, self._rtp))
        self.tokens |= {"ME": f"{self._host}:{port}", "MEHOST": self._host, "RTP": str(rtp)}
        self.tokens |= {"EDGE": f"{self._edge[0]}:{self._edge[1]}", "EDGEHOST": self._edge[0]}
        self.tokens |= {"NUM": NUMBER, "NAT": NUMBER[-10:], "CALLER": CALLER, "TTAG": "", "TARGET": ""}
        return self

    def stop(self) -> None:
        self._sip.close()
        self._rtp.close()

    def say(self, name: str, **tokens: str) -> None:
        """Send a template, to the edge."""
        self.tokens |= {"BRANCH2": uuid.uuid4().hex} | tokens
        self._sip.sendto(filled((CASES / f"{name}.sip").read_bytes(), self.tokens), self._edge)

    def acknowledge(self, cseq: int, name: str = "plain-ack") -> None:
        """The ACK of the INVITE with that number."""
        ack = filled((CASES / f"{name}.sip").read_bytes(), self.tokens | {"BRANCH2": uuid.uuid4().hex})
        self._sip.sendto(ack.replace(b"CSeq: 1 ACK", b"CSeq: %d ACK" % cseq), self._edge)

    async def answer(self, cseq: int | None = None, *, seconds: float = 10) -> Response:
        """The next final answer, to the request with that number; what it says of the dialog is remembered."""
        async with asyncio.timeout(seconds):
            while True:
                data, _ = await self.sip.heard.get()
                message = read(data)
                if isinstance(message, Request):
                    continue
                wanted = cseq is None or (message.first("cseq") or "").split()[0] == str(cseq)
                if message.status >= 200 and wanted:
                    self._remember(message)
                    return message

    async def request(self, method: str, *, seconds: float = 10) -> Request:
        """The next request of that method."""
        async with asyncio.timeout(seconds):
            while True:
                message = read((await self.sip.heard.get())[0])
                if isinstance(message, Request) and message.method == method:
                    return message

    def _remember(self, answer: Response) -> None:
        tag = re.search(r"tag=([^;]+)", answer.first("to") or "")
        target = re.search(r"<(.+?)>", answer.first("contact") or "")
        self.tokens |= {"TTAG": tag[1] if tag else "", "TARGET": target[1] if target else self.tokens["TARGET"]}

    async def call(self, name: str = "plain-invite") -> Response:
        """Invite, and acknowledge the 200."""
        self.say(name)
        answer = await self.answer()
        if answer.status == 200:
            self.say("plain-ack")
        return answer

    def say_with(self, name: str, old: bytes, new: bytes) -> None:
        """Send a template that is changed in one place."""
        template = (CASES / f"{name}.sip").read_bytes()
        assert old in template
        self._sip.sendto(filled(template.replace(old, new), self.tokens), self._edge)

    async def audio(self, seconds: float) -> int:
        """How many RTP packets come in that time."""
        while not self.rtp.heard.empty():
            self.rtp.heard.get_nowait()
        await asyncio.sleep(seconds)
        return self.rtp.heard.qsize()
