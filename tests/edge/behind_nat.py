"""The machine: the edge, with a public address or without, and a stub worker that echoes audio and hangs up."""

import asyncio
import re
import sys
from ipaddress import ip_network
from typing import cast

from oneinbox.app.edge.server import Doors, run_edge
from oneinbox.contracts.admission import Admitted, Attempt, Decision, InviteFacts, Login, WorkerRoute
from oneinbox.kit.clock import SystemClock

HERE, SIP, WORKER, RTP = sys.argv[1], 5060, 6001, 10_000


class Echo(asyncio.DatagramProtocol):
    """RTP goes to where the offer wants it, as the media engine's does."""

    dest = ("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        self.transport.sendto(data, Echo.dest)


class Worker(Echo):
    """Answers the INVITE with an answer that shows its own address; half a second after the ACK it sends a BYE."""

    invite = ""

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        text = data.decode()
        if text.startswith("INVITE"):
            self.invite = text
            offered = re.search(r"c=IN IP4 (\S+).*m=audio (\d+)", text, re.DOTALL)
            assert offered is not None
            Echo.dest = (offered[1], int(offered[2]))
            sdp = f"v=0\r\no=- 1 1 IN IP4 {HERE}\r\ns=-\r\nc=IN IP4 {HERE}\r\nt=0 0\r\nm=audio {RTP} RTP/AVP 0\r\n"
            head = self.headers(text, "Via|Record-Route|From|Call-ID|CSeq") + self.headers(text, "To", ";tag=w")
            contact = f"Contact: <sip:w@{HERE}:{WORKER}>\r\nContent-Type: application/sdp\r\n"
            self.say(f"SIP/2.0 200 OK\r\n{head}{contact}Content-Length: {len(sdp)}\r\n\r\n{sdp}", source)
        elif text.startswith("ACK"):
            asyncio.get_running_loop().call_later(0.5, self.hang_up, source)

    def hang_up(self, edge: tuple[str, int]) -> None:
        target = re.search(r"Contact: <(.+?)>", self.invite)
        assert target is not None
        routes = self.headers(self.invite, "Record-Route").replace("Record-Route", "Route")
        to = self.headers(self.invite, "From").replace("From", "To", 1)
        origin = self.headers(self.invite, "To", ";tag=w").replace("To", "From", 1)
        self.say(
            f"BYE {target[1]} SIP/2.0\r\nVia: SIP/2.0/UDP {HERE}:{WORKER};branch=z9hG4bKbye\r\n{routes}{origin}{to}"
            f"{self.headers(self.invite, 'Call-ID')}CSeq: 9 BYE\r\nContent-Length: 0\r\n\r\n",
            edge,
        )

    def say(self, text: str, dest: tuple[str, int]) -> None:
        self.transport.sendto(text.encode(), dest)

    @staticmethod
    def headers(text: str, names: str, more: str = "") -> str:
        found = re.findall(rf"(?m)^(?:{names}):.*?(?=\r)", text)
        return "".join(f"{line}{more}\r\n" for line in found)


async def admit(facts: InviteFacts, login: Login | None) -> Decision:
    return Admitted("call-1", "+15551234567", (WorkerRoute("w1", HERE, WORKER, {}),))


async def forget(attempt: Attempt) -> None:
    """Nobody asks for it here."""


async def main() -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Worker, (HERE, WORKER))
    await loop.create_datagram_endpoint(Echo, (HERE, RTP))
    public = sys.argv[2] if len(sys.argv) > 2 else None
    await run_edge(
        listen=("0.0.0.0", SIP),
        advertised=(HERE, SIP),
        route_key=b"k" * 32,
        admit=admit,
        record=forget,
        known_sources=lambda: (ip_network("0.0.0.0/0"),),
        worker_gone=asyncio.Queue(),
        clock=SystemClock(),
        ready=lambda address: print("ready", flush=True),
        doors=Doors(public=public, public_media=public),
    )


asyncio.run(main())
