"""The 49 messages of RFC 4475, byte for byte, and mutations of our own: never an exception, never an invalid answer."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneinbox.contracts.admission import Admitted, WorkerRoute
from oneinbox.edge.actions import Address, Ask, EdgeConfig, Send
from oneinbox.edge.core import Edge
from oneinbox.edge.fields import basics
from oneinbox.edge.message import Malformed, Request, Response, read, wire

CORPUS = Path(__file__).parents[3] / "shared" / "data" / "rfc4475"
SOURCE = Address("127.0.0.9", 5060)

LONG_ID = f"longreq.one{'really' * 20}longcallid"
LONG_TAG = f"1{'298' * 50}2424"

VERDICTS: dict[str, tuple[str, str]] = {
    "badaspec": ("3.1.2.14", "200"),  # liberal, as the section allows: the address isn't ours to judge
    "badbranch": ("3.2.1", "200"),
    "baddate": ("3.1.2.12", "100"),  # liberal: Date is not ours
    "baddn": ("3.1.2.15", "200"),  # liberal: an unquoted display name with odd letters harms nobody
    "badinv01": ("3.1.2.1", "400"),
    "badvers": ("3.1.2.16", "505"),
    "bcast": ("3.3.10", ""),
    "bext01": ("3.3.5", "420"),
    "bigcode": ("3.1.2.19", ""),
    "clerr": ("3.1.2.2", "400"),
    "cparam01": ("3.3.12", "405"),  # this and all REGISTERs: RFC 3261, section 8.2.1, comes first
    "cparam02": ("3.3.13", "405"),
    "dblreq": ("3.1.1.8", "405"),  # the second message of the datagram is noise
    "esc01": ("3.1.1.3", "100"),
    "esc02": ("3.1.1.5", "405"),
    "escnull": ("3.1.1.4", "405"),
    "escruri": ("3.1.2.11", "400"),
    "insuf": ("3.3.1", ""),  # no Call-ID, From or To: no answer would be one
    "intmeth": ("3.1.1.2", "405"),
    "inv2543": ("3.4.1", "100"),
    "invut": ("3.3.6", "415"),
    "longreq": ("3.1.1.7", "100"),
    "ltgtruri": ("3.1.2.7", "400"),
    "lwsdisp": ("3.1.1.6", "200"),
    "lwsruri": ("3.1.2.8", "400"),
    "lwsstart": ("3.1.2.9", "400"),
    "mcl01": ("3.3.9", "400"),
    "mismatch01": ("3.1.2.17", "400"),
    "mismatch02": ("3.1.2.18", "400"),
    "mpart01": ("3.1.1.11", "405"),
    "multi01": ("3.3.8", "400"),
    "ncl": ("3.1.2.3", "400"),
    "noreason": ("3.1.1.13", ""),  # responses to nothing that was asked
    "novelsc": ("3.3.3", "416"),
    "quotbal": ("3.1.2.6", "400"),
    "regaut01": ("3.3.7", "405"),
    "regbadct": ("3.1.2.13", "405"),
    "regescrt": ("3.3.14", "405"),
    "scalar02": ("3.1.2.4", "400"),
    "scalarlg": ("3.1.2.5", ""),
    "sdp01": ("3.3.15", "406"),
    "semiuri": ("3.1.1.9", "200"),
    "transports": ("3.1.1.10", "200"),
    "trws": ("3.1.2.10", "400"),
    "unkscm": ("3.3.2", "416"),
    "unksm2": ("3.3.4", "405"),
    "unreason": ("3.1.1.12", ""),
    "wsinv": ("3.1.1.1", "481"),  # it has a To tag and no dialog
    "zeromf": ("3.3.11", "200"),  # OPTIONS for the edge itself: RFC 3261, section 11
}
"""The section of RFC 4475 that prescribes, and the first answer: empty for silence."""

VALID: dict[str, tuple[str, str, int, str, str, str, int | None, int, int]] = {
    "wsinv": ("INVITE", "wsinv.ndaksdj@192.0.2.1", 9, "98asjd8", "1918181833n", "390skdjuw", 68, 150, 14),
    "intmeth": (
        "!interesting-Method0123456789_*+`.%indeed'~",
        "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
        139122385,
        "_token~1'+`*%!-.",
        "",
        "z9hG4bK-.!%66*_+`'~",
        255,
        0,
        8,
    ),
    "esc01": ("INVITE", "esc01.239409asdfakjkn23onasd0-3234", 234234, "938", "", "z9hG4bKkdjuw", 87, 150, 9),
    "escnull": (
        "REGISTER",
        "escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd",
        14398234,
        "839923423",
        "",
        "z9hG4bKkdjuw",
        70,
        0,
        9,
    ),
    "esc02": (
        "RE%47IST%45R",
        "esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf",
        29344,
        "f232jadfj23",
        "",
        "z9hG4bK209%fzsnel234",
        70,
        0,
        10,
    ),
    "lwsdisp": ("OPTIONS", "lwsdisp.1234abcd@funky.example.com", 60, "323", "", "z9hG4bKkdjuw", 70, 0, 7),
    "longreq": ("INVITE", LONG_ID, 3882340, LONG_TAG, "", "", 70, 150, 43),
    "dblreq": (
        "REGISTER",
        "dblreq.0ha0isndaksdj99sdfafnl3lk233412",
        8,
        "43251j3j324",
        "",
        "z9hG4bKkdjuw23492",
        8,
        0,
        8,
    ),
    "semiuri": ("OPTIONS", "semiuri.0ha0isndaksdj", 8, "33242", "", "z9hG4bKkdjuw", 3, 0, 8),
    "transports": ("OPTIONS", "transports.kijh4akdnaqjkwendsasfdj", 60, "323", "", "z9hG4bKkdjuw", 70, 0, 12),
    "mpart01": (
        "MESSAGE",
        "3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..",
        1,
        "2fb0dcc9",
        "",
        "z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-",
        70,
        553,
        14,
    ),
    "unreason": ("200", "unreason.1234ksdfak3j2erwedfsASdf", 35, "11141343", "2229", "z9hG4bK1324923", None, 154, 8),
    "noreason": ("100", "noreason.asndj203insdf99223ndf", 35, "39ansfi3", "902jndnke3", "z9hG4bK2398ndaoe", None, 0, 7),
}
"""Method or status, Call-ID, CSeq, both tags, branch, Max-Forwards; how many bytes of body and headers there are."""


def fresh() -> Edge:
    return Edge(EdgeConfig(Address("127.0.0.1", 5060), b"k" * 32), lambda host: True)


def check(edge: Edge, data: bytes, now: float = 1.0) -> list[str]:
    """Feed one datagram and all that may follow; every answer must be one that we'd read ourselves."""
    actions = edge.receive(data, SOURCE, now)
    for ask in [action for action in actions if isinstance(action, Ask)]:
        route = WorkerRoute("w", "127.0.0.1", 6001, {"X-OI-Ticket": "t"})
        actions += edge.decided(ask.key, Admitted("c", "+1555", (route,)), now)
    said = []
    for action in actions:
        if isinstance(action, Send):
            message = read(action.data)
            said.append(str(message.status) if isinstance(message, Response) else message.method)
            assert 0 < action.dest[1] < 65536
            assert len(message.all("call-id")) == len(message.all("from")) == len(message.all("to")) == 1
            if isinstance(message, Response) and message.status != 100:
                assert b"tag" in message.all("to")[0].raw.lower()
    return said


@pytest.fixture(scope="module")
def corpus() -> Path:
    if not CORPUS.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"The RFC 4475 messages are not in {CORPUS}.")
        pytest.skip("the RFC 4475 messages are not here")
    return CORPUS


def test_all_49_are_here(corpus: Path) -> None:
    assert {path.stem for path in corpus.glob("*.dat")} == set(VERDICTS)


@pytest.mark.parametrize("name", sorted(VERDICTS))
def test_rfc4475(corpus: Path, name: str) -> None:
    said = check(fresh(), (corpus / f"{name}.dat").read_bytes())
    assert (said[0] if said else "") == VERDICTS[name][1]


@pytest.mark.parametrize("name", sorted(VALID))
def test_the_13_valid_ones_are_read_as_they_are_meant(corpus: Path, name: str) -> None:
    message = read((corpus / f"{name}.dat").read_bytes())
    said = basics(message)
    first = message.method if isinstance(message, Request) else str(message.status)
    tags = (said.from_tag, said.to_tag)
    sizes = (len(message.body), len(message.headers))
    assert (first, said.call_id, said.cseq, *tags, said.via.branch, said.max_forwards, *sizes) == VALID[name]


@pytest.mark.parametrize("name", ["esc01", "longreq"])
def test_valid_invites_are_forwarded_byte_for_byte_and_answered(corpus: Path, name: str) -> None:
    edge, data = fresh(), (corpus / f"{name}.dat").read_bytes()
    ask = next(action for action in edge.receive(data, SOURCE, 1.0) if isinstance(action, Ask))
    (forward,) = edge.decided(ask.key, Admitted("c", "+1555", (WorkerRoute("w", "127.0.0.1", 6001),)), 1.0)
    assert isinstance(forward, Send)
    seen, original = read(forward.data), read(data)
    owned = {"via", "max-forwards", "record-route", "route"}
    foreign = [[header.raw for header in one.headers if header.name not in owned] for one in (seen, original)]
    assert foreign[0] == foreign[1]
    assert seen.body == original.body
    kept = [header.raw for header in seen.headers if header.name in ("via", "from", "to", "call-id", "cseq")]
    answer = b"\r\n".join(
        [b"SIP/2.0 200 OK", *kept, b"Contact: <sip:w@127.0.0.1:6001>", b"Content-Length: 0", b"", b""]
    )
    back, *_ = [one for one in edge.receive(answer, ("127.0.0.1", 6001), 1.1) if isinstance(one, Send)]
    assert back.data.startswith(b"SIP/2.0 200 OK\r\n")
    ours, theirs = read(back.data).all("via"), original.all("via")
    assert [header.raw for header in ours[1:]] == [header.raw for header in theirs[1:]]


@pytest.mark.parametrize("name", sorted(VERDICTS))
def test_what_is_read_is_written_the_same(corpus: Path, name: str) -> None:
    data = (corpus / f"{name}.dat").read_bytes()
    try:
        once = read(data)
        basics(once)
    except Malformed:
        return
    assert data.startswith(wire(once))
    assert wire(read(wire(once))) == wire(once)


INVITE = (
    b"INVITE sip:15551234567@h SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9:5070;branch=z9hG4bKa;rport\r\n"
    b'From: "B" <sip:+1444@c>;tag=f\r\nTo: <sip:1@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n'
    b"Contact: <sip:b@127.0.0.9:5070>\r\nRoute: <sip:127.0.0.1:5060;lr;oi=00-00>\r\nRecord-Route: <sip:a;lr>\r\n"
    b"P-Asserted-Identity: <sip:+1@x>\r\nPrivacy: id\r\nRequire: timer\r\nContent-Length: 4\r\n\r\nv=0\r"
)
PIECES = [
    b'"',
    b"<",
    b">",
    b";",
    b",",
    b"\r\n",
    b"\r\n ",
    b"\x00",
    b"\xff",
    b":",
    b"%",
    b"[",
    b"]",
    b"@",
    b"tag=",
    b"9" * 40,
]
MUTATION = st.tuples(
    st.integers(0, len(INVITE)), st.integers(0, 12), st.one_of(st.sampled_from(PIECES), st.binary(max_size=8))
)
METHODS = [b"INVITE", b"ACK", b"BYE", b"CANCEL", b"OPTIONS", b"PRACK"]


def mutated(changes: list[tuple[int, int, bytes]], method: bytes, tagged: bool) -> bytes:
    data = INVITE.replace(b"INVITE", method)
    data = data.replace(b"To: <sip:1@h>", b"To: <sip:1@h>;tag=w") if tagged else data
    for place, cut, piece in changes:
        data = data[:place] + piece + data[place + cut :]
    return data


FUZZ = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@FUZZ
@given(st.binary(max_size=300))
def test_noise_never_raises(data: bytes) -> None:
    check(fresh(), data)
    check(fresh(), b"INVITE " + data + b"\r\n\r\n")


@FUZZ
@given(st.lists(MUTATION, min_size=1, max_size=5), st.sampled_from(METHODS), st.booleans())
def test_mutated_requests_never_raise(changes: list[tuple[int, int, bytes]], method: bytes, tagged: bool) -> None:
    edge = fresh()
    check(edge, INVITE)
    check(edge, mutated(changes, method, tagged), 1.1)
    while (due := edge.next_timer()) is not None:
        edge.tick(due)
    assert edge.sizes()["invites"] == 0


@FUZZ
@given(st.lists(MUTATION, min_size=1, max_size=4), st.sampled_from([100, 180, 200, 302, 486, 488]))
def test_mutated_responses_never_raise(changes: list[tuple[int, int, bytes]], status: int) -> None:
    edge = fresh()
    ask = next(a for a in edge.receive(INVITE, SOURCE, 1.0) if isinstance(a, Ask))
    routes = (WorkerRoute("w", "127.0.0.1", 6001), WorkerRoute("x", "127.0.0.1", 6002))
    (forward,) = edge.decided(ask.key, Admitted("c", "+1555", routes), 1.0)
    assert isinstance(forward, Send)
    seen = read(forward.data)
    assert isinstance(seen, Request)
    head = [
        f"SIP/2.0 {status} X".encode(),
        *(h.raw for h in seen.headers if h.name in ("via", "from", "call-id", "cseq")),
    ]
    data = b"\r\n".join([*head, b"To: <sip:1@h>;tag=w", b"Contact: <sip:w@127.0.0.1:6001>", b"", b""])
    for place, cut, piece in changes:
        data = data[: place % len(data)] + piece + data[place % len(data) + cut :]
    edge.receive(data, ("127.0.0.1", 6001), 1.1)
    edge.worker_gone(("127.0.0.1", 6001), 1.2)
    while (due := edge.next_timer()) is not None:
        edge.tick(due)
    assert edge.sizes()["invites"] == edge.sizes()["legs"] == 0
