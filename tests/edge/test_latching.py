"""Audio of callers behind a NAT: what SDP says to both sides, and who gets whose packets."""

import asyncio
import socket
from datetime import UTC, datetime

import pytest
from tests.e2e.product import free_range

from oneinbox.app.edge.latches import SILENT_SECONDS, Latches
from oneinbox.app.settings import PortRange
from oneinbox.contracts.admission import Cause
from oneinbox.edge.actions import Address
from oneinbox.edge.core import Edge
from oneinbox.edge.message import Request
from oneinbox.edge.sdp import audio_at, with_audio_at

PRIVATE = b"v=0\r\no=- 1 1 IN IP4 10.9.9.9\r\ns=-\r\nc=IN IP4 10.9.9.9\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n"
ANSWER = b"v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nm=audio 10002 RTP/AVP 0\r\na=sendrecv\r\n"
SDP = "Content-Type: application/sdp\r\n"
AT = Address("127.0.0.1", 20000)


class Book:
    """Latches that are only written down."""

    def __init__(self, at: Address | None = AT) -> None:
        self.at = at
        self.open_calls: dict[str, tuple[str, int]] = {}
        self.workers: dict[str, Address] = {}

    def open(self, key: str, outside: str, announced: int, port: int = 0) -> Address | None:
        if self.at is not None:
            self.open_calls[key] = (outside, announced)
            self.at = Address(self.at.host, port or self.at.port)
        return self.at

    def inside(self, key: str, worker: Address) -> None:
        self.workers[key] = worker

    def close(self, key: str) -> None:
        del self.open_calls[key]

    def end(self) -> None:
        self.open_calls.clear()


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def nated(line, book):
    """A line whose edge has latches."""
    line.core = Edge(line.config, lambda host: host.startswith("127."), latches=book)
    return line


def begin(line, say, body=PRIVATE) -> Request:
    return say.sent(line.admit(say.key_of(line.hear(say.invite(body=body, extra=SDP)))))[0][0]


def establish(line, say):
    """Up to the ACK; the INVITE as the worker sees it, the 200 as the caller does, and what is on record."""
    seen = begin(line, say)
    heard = line.hear(say.answer(seen, 200, "<sip:w@127.0.0.1:6001>", body=ANSWER, extra=SDP), line.worker)
    ((ok, _),) = say.sent(heard)
    line.hear(say.in_dialog("ACK", ok, cseq=1, branch="z9hG4bKack"))
    return seen, ok, say.records(heard)


def test_both_sides_are_told_of_the_latch(nated, say, book):
    seen, ok, (attempt,) = establish(nated, say)
    assert (audio_at(seen.body), audio_at(ok.body)) == (AT, AT)
    assert seen.first("content-length") == str(len(seen.body))
    assert ok.first("content-length") == str(len(ok.body))
    assert book.open_calls == {"c1": ("127.0.0.2", 4000)}
    assert book.workers == {"c1": Address("127.0.0.1", 10002)}
    assert "at 10.9.9.9, which can't be reached" in attempt.reason
    assert attempt.reason.endswith("it is sent to where the caller speaks from instead.")


@pytest.mark.parametrize("body", [PRIVATE.replace(b"10.9.9.9", host) for host in (b"127.0.0.2", b"192.0.2.7")])
def test_who_can_be_reached_needs_none(nated, say, book, body):
    assert begin(nated, say, body).body == body
    assert not book.open_calls


def test_without_a_latch_audio_goes_to_where_the_invite_came_from(line, say):
    line.core = Edge(line.config, lambda host: host.startswith("127."), latches=Book(None))
    assert audio_at(begin(line, say).body) == Address("127.0.0.2", 4000)


def test_a_reinvite_goes_by_the_latch_too(nated, say):
    """Else a refreshed session would lose its audio."""
    _, ok, _ = establish(nated, say)
    again = say.in_dialog("INVITE", ok, cseq=2, branch="z9hG4bKagain", extra=SDP)
    again = again.replace(b"Content-Length: 0\r\n\r\n", b"Content-Length: %d\r\n\r\n" % len(PRIVATE) + PRIVATE)
    ((seen, _),) = say.sent(nated.hear(again))
    assert audio_at(seen.body) == AT
    ((back, _),) = say.sent(nated.hear(say.answer(seen, 200, body=ANSWER, extra=SDP), nated.worker))
    assert audio_at(back.body) == AT


def test_a_reinvite_without_a_latch_names_no_address_that_nobody_reaches(line, say):
    ok = line.establish()
    again = say.in_dialog("INVITE", ok, cseq=2, branch="z9hG4bKagain", extra=SDP)
    again = again.replace(b"Content-Length: 0\r\n\r\n", b"Content-Length: %d\r\n\r\n" % len(PRIVATE) + PRIVATE)
    ((seen, _),) = say.sent(line.hear(again))
    assert audio_at(seen.body) == Address("127.0.0.2", 4000)


@pytest.mark.parametrize("end", ["BYE", "CANCEL", "refused", "worker gone"])
def test_the_latch_goes_with_the_call(nated, say, book, end):
    if end in ("CANCEL", "refused"):
        seen = begin(nated, say)
        assert book.open_calls
        if end == "CANCEL":
            nated.hear(say.invite(method="CANCEL", body=b""))
        else:
            nated.hear(say.answer(seen, 488), nated.worker)
    else:
        _, ok, _ = establish(nated, say)
        assert book.open_calls
        if end == "BYE":
            nated.hear(say.in_dialog("BYE", ok, cseq=2, branch="z9hG4bKbye"))
        else:
            nated.core.worker_gone(nated.worker, nated.now)
    assert not book.open_calls
    assert nated.core.sizes()["latches"] == 0


def test_the_next_edge_takes_the_latch_up(nated, say, book):
    seen = begin(nated, say)
    opened = nated.hear(say.answer(seen, 200, "<sip:w@127.0.0.1:6001>", body=ANSWER, extra=SDP), nated.worker)
    ((ok, _),) = say.sent(opened)
    kept = [action.text for action in opened if hasattr(action, "text")][-1]
    other = Book(Address("127.0.0.1", 30000))
    nated.core = Edge(nated.config, lambda host: host.startswith("127."), latches=other)
    nated.core.take_up([kept], nated.now)
    assert (other.at, other.open_calls, other.workers) == (AT, book.open_calls, book.workers)
    nated.hear(say.in_dialog("BYE", ok, cseq=2, branch="z9hG4bKbye"))
    assert not other.open_calls


def test_another_invite_of_the_same_name_closes_nobodys_latch(nated, say, book):
    establish(nated, say)
    other = say.invite(branch="z9hG4bKother", from_line="From: <sip:b@c>;tag=other")
    refused = nated.refuse(say.key_of(nated.hear(other)))
    assert [one.cause for one in say.records(refused)] == [Cause.NO_SUCH_NUMBER]
    assert book.open_calls


def test_refused_audio_stays_refused():
    body = PRIVATE.replace(b"4000", b"0")
    assert audio_at(body) is None
    assert audio_at(with_audio_at(PRIVATE + b"m=video 5000 RTP/AVP 96\r\n", "192.0.2.1", 6)) == Address("192.0.2.1", 6)
    assert b"m=video 5000" in with_audio_at(PRIVATE + b"m=video 5000 RTP/AVP 96\r\n", "192.0.2.1", 6)


class HandClock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


PACKET = b"\x80\x00" + bytes(10)


class Ends:
    """Sockets of both sides and of somebody else around a real latch."""

    def __init__(self, latches: Latches) -> None:
        self.worker, self.caller, self.other, self.elsewhere = (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)
        )
        for sock in (self.worker, self.caller, self.other):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        self.elsewhere.bind(("127.0.0.3", 0))
        at = latches.open("c1", "127.0.0.1", self.other.getsockname()[1])
        assert at is not None
        self.at = (at.host, at.port)

    async def say(self, sock: socket.socket, text: bytes) -> None:
        sock.sendto(PACKET + text, self.at)
        await asyncio.sleep(0.05)

    def heard(self, sock: socket.socket) -> bytes | None:
        try:
            return sock.recv(2048).removeprefix(PACKET)
        except BlockingIOError:
            return None

    def close(self) -> None:
        for sock in (self.worker, self.caller, self.other, self.elsewhere):
            sock.close()


def test_audio_goes_to_where_the_caller_speaks_from_and_nobody_else_is_heard() -> None:
    async def scene() -> None:
        clock = HandClock()
        first, last = map(int, free_range(20).split("-"))
        latches = Latches("127.0.0.1", PortRange(first, last), clock, 10)
        ends = Ends(latches)
        await ends.say(ends.caller, b"too early")
        latches.inside("c1", Address(*ends.worker.getsockname()))
        await ends.say(ends.worker, b"hello")
        assert (ends.heard(ends.caller), ends.heard(ends.other)) == (b"hello", None)
        for intruder in (ends.other, ends.elsewhere):
            await ends.say(intruder, b"me too")
        ends.caller.sendto(b"no RTP", ends.at)
        await ends.say(ends.caller, b"I")
        assert ends.heard(ends.worker) == b"I"
        assert ends.heard(ends.worker) is None
        await ends.say(ends.worker, b"you")
        assert (ends.heard(ends.caller), ends.heard(ends.other)) == (b"you", None)
        clock.advance(SILENT_SECONDS + 1)
        await ends.say(ends.other, b"from a new port")
        assert ends.heard(ends.worker) == b"from a new port"
        latches.end()
        ends.close()

    asyncio.run(scene())


def test_until_the_caller_speaks_audio_goes_to_what_was_announced_and_ports_come_to_an_end() -> None:
    async def scene() -> None:
        first = int(free_range(20).partition("-")[0])
        latches = Latches("127.0.0.1", PortRange(first, first + 1), HandClock(), 10)
        ends = Ends(latches)
        latches.inside("c1", Address(*ends.worker.getsockname()))
        await ends.say(ends.worker, b"hello")
        assert ends.heard(ends.other) == b"hello"
        assert latches.open("c2", "127.0.0.1", 4000) is None
        latches.close("c1")
        assert latches.open("c2", "127.0.0.1", 4000) == Address(*ends.at)
        latches.end()
        ends.close()

    asyncio.run(scene())


def test_there_are_no_more_than_that() -> None:
    async def scene() -> None:
        first, last = map(int, free_range(40).split("-"))
        latches = Latches("127.0.0.1", PortRange(first, last), HandClock(), 2)
        opened = [latches.open(f"c{n}", "127.0.0.1", 4000) for n in range(3)]
        assert [at is not None for at in opened] == [True, True, False]
        latches.end()

    asyncio.run(scene())
