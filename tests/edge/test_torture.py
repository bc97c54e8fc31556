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
SOURCE = ("127.0.0.9", 5060)

VERDICTS: dict[str, str] = {
    "badaspec": "200",  # Accept-Contact and friends aren't ours to judge
    "badbranch": "200",
    "baddate": "100",  # forwarded: Date is not ours
    "baddn": "200",  # an unquoted display name with odd letters harms nobody
    "badinv01": "400",
    "badvers": "505",
    "bcast": "",
    "bext01": "420",
    "bigcode": "",
    "clerr": "400",
    "cparam01": "405",
    "cparam02": "405",
    "dblreq": "405",  # the second message of the datagram is noise
    "esc01": "100",
    "esc02": "405",
    "escnull": "405",
    "escruri": "400",
    "insuf": "",  # no Call-ID, From or To: nothing to answer with
    "intmeth": "405",
    "inv2543": "100",
    "invut": "100",  # 415 is the worker's
    "longreq": "100",
    "ltgtruri": "400",
    "lwsdisp": "200",
    "lwsruri": "400",
    "lwsstart": "400",
    "mcl01": "400",
    "mismatch01": "400",
    "mismatch02": "400",
    "mpart01": "405",
    "multi01": "400",
    "ncl": "400",
    "noreason": "",
    "novelsc": "416",
    "quotbal": "400",
    "regaut01": "405",
    "regbadct": "405",
    "regescrt": "405",
    "scalar02": "400",
    "scalarlg": "",
    "sdp01": "100",  # 406 is the worker's
    "semiuri": "200",
    "transports": "200",
    "trws": "400",
    "unkscm": "416",
    "unksm2": "405",
    "unreason": "",
    "wsinv": "481",  # it has a To tag and no dialog
    "zeromf": "200",  # OPTIONS for the edge itself: RFC 3261, section 11
}


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
    assert (said[0] if said else "") == VERDICTS[name]


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
