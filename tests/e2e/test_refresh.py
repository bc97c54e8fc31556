"""A caller refreshes its session (RFC 4028) in every way there is: each is granted, and nobody hears it."""

import itertools
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from tests.e2e.product import Product

from bench import sip

pytestmark = pytest.mark.e2e

TIMED = "Supported: timer\r\nSession-Expires: 90;refresher=uac"
LINE = "This is a long story about a shop that sells bread and bicycles, and about the people who go there. " * 3
PATIENCE, LONGEST_GAP = 20.0, 1.0
"""Of a machine that is busy; what a refresh would do to the stream is told by the packets' numbers."""


@dataclass(frozen=True)
class Packet:
    """An RTP packet's header (RFC 3550, section 5.1), and when it came."""

    at: float
    sequence: int
    timestamp: int
    source: int


class Phone:
    """A caller's SIP and RTP; `heard` are the packets that came."""

    def __init__(self, product: Product, number: str) -> None:
        self.sip, self.rtp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for sock in (self.sip, self.rtp):
            sock.bind(("127.0.0.1", 0))
        self.sip.settimeout(PATIENCE)
        self.rtp.settimeout(0.2)
        local = self.sip.getsockname()
        self.dialog = sip.Dialog(number, f"refresh-{local[1]}", local, product.sip, self.rtp.getsockname()[1])
        self.heard: list[Packet] = []
        self._listening = threading.Thread(target=self._listen)

    @property
    def offer(self) -> str:
        return self.dialog.invite().partition(b"\r\n\r\n")[2].decode()

    def ring(self) -> sip.Message:
        self._listening.start()
        invite = self.dialog.invite().replace(b"Max-Forwards", f"{TIMED}\r\nMax-Forwards".encode())
        ok = self._ask(invite, 1)
        self.dialog.answered(ok)
        self._send(self.dialog.ack())
        return ok

    def refresh(self, method: str, cseq: int, body: str = "", ack_body: str = "") -> sip.Message:
        answer = self._ask(self._request(method, cseq, f"refresh{cseq}", TIMED, body), cseq)
        if method == "INVITE":
            self._send(self._request("ACK", cseq, f"ack{cseq}", "", ack_body))
        return answer

    def hang_up(self, cseq: int) -> sip.Message:
        return self._ask(self._request("BYE", cseq, "bye", "", ""), cseq)

    def close(self) -> None:
        self.rtp.close()
        self._listening.join()
        self.sip.close()

    def _request(self, method: str, cseq: int, branch: str, more: str, body: str) -> bytes:
        lines = [line for line in (more, "Content-Type: application/sdp" if body else "") if line]
        return self.dialog.request(method, self.dialog.target, cseq, branch, "\r\n".join(lines), body)

    def _ask(self, request: bytes, cseq: int) -> sip.Message:
        """The final answer to a request."""
        self._send(request)
        while True:
            message = sip.read(self.sip.recv(65535))
            if message.status and message.status >= 200 and message.headers["cseq"][0].startswith(f"{cseq} "):
                return message

    def _send(self, data: bytes) -> None:
        self.sip.sendto(data, self.dialog.edge)

    def _listen(self) -> None:
        while True:
            try:
                data = self.rtp.recv(2048)
            except TimeoutError:
                continue
            except OSError:
                return
            self.heard.append(Packet(time.monotonic(), *struct.unpack_from("!HII", data, 2)))


@contextmanager
def phone(product: Product, number: str) -> Iterator[Phone]:
    made = Phone(product, number)
    try:
        yield made
    finally:
        made.close()


def session(answer: sip.Message) -> str:
    """The SDP but for its version, which the engine counts up with every answer."""
    return re.sub(r"^(o=\S+ \S+) \S+", r"\1", answer.body, count=1, flags=re.MULTILINE)


def test_a_session_is_refreshed_without_a_gap(product: Product) -> None:
    number = product.number(product.agent(first_message=LINE, tts={"provider": "scripted"}))
    with phone(product, number) as caller:
        first = caller.ring()
        assert first.status == 200
        assert first.headers["session-expires"] == ["90;refresher=uac"]
        time.sleep(1)
        with_offer = caller.refresh("INVITE", 2, caller.offer)
        time.sleep(1)
        without = caller.refresh("INVITE", 3, ack_body=caller.offer)
        time.sleep(1)
        update = caller.refresh("UPDATE", 4)
        time.sleep(1)
        assert caller.hang_up(5).status == 200
    assert [answer.status for answer in (with_offer, without, update)] == [200, 200, 200]
    assert session(with_offer) == session(first)
    assert re.search(r"^m=audio .*$", without.body, re.MULTILINE)
    assert {answer.headers["session-expires"][0] for answer in (with_offer, without, update)} == {"90;refresher=uac"}
    pairs = list(itertools.pairwise(caller.heard))
    assert len(pairs) > 150
    assert len({packet.source for packet in caller.heard}) == 1
    assert {(after.sequence - before.sequence) & 0xFFFF for before, after in pairs} == {1}
    assert {(after.timestamp - before.timestamp) & 0xFFFFFFFF for before, after in pairs} == {160}
    assert max(after.at - before.at for before, after in pairs) < LONGEST_GAP
    assert product.ended_call(number)["end_reason"] == "caller_hangup"
