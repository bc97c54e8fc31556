"""A machine behind a real 1:1 NAT (nftables, three network namespaces): peers on both sides are told what they need."""

from collections.abc import Iterator, Mapping

import pytest
from tests.edge.namespaces import Side, call_across, networks

from oneinbox.edge.message import Request, read
from oneinbox.edge.outside import inward, is_outside, outward

INSIDE, NEIGHBOUR, PUBLIC, OUTSIDE = "10.0.0.5", "10.0.1.6", "192.0.2.20", "198.51.100.7"
RULES = f"""
table ip nat {{
  chain pre {{ type nat hook prerouting priority -100; ip daddr {PUBLIC} dnat to {INSIDE}; }}
  chain post {{ type nat hook postrouting priority 100; oifname "wan0" ip saddr {INSIDE} snat to {PUBLIC}; }}
}}
"""
SIDES = {
    "machine": Side("lan0", "10.0.0.1", INSIDE),
    "neighbour": Side("lan1", "10.0.1.1", NEIGHBOUR),
    "caller": Side("wan0", "198.51.100.1", OUTSIDE),
}


@pytest.fixture
def nat() -> Iterator[Mapping[str, str]]:
    with networks(SIDES, RULES) as names:
        yield names


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize(
    ("side", "here", "there", "shown"),
    [("caller", OUTSIDE, PUBLIC, PUBLIC), ("neighbour", NEIGHBOUR, INSIDE, INSIDE)],
)
def test_both_sides_of_a_nat(
    nat: Mapping[str, str], transport: str, side: str, here: str, there: str, shown: str
) -> None:
    told = call_across(nat["machine"], (INSIDE, PUBLIC), nat[side], (here, there, transport))
    assert told["heard"], "the audio's address was wrong"
    assert told["whole"], "Content-Length doesn't tell the truth"
    assert told["Contact"] == [f"<sip:w@{shown}:6001>"]
    assert told["c"] == [f"IN IP4 {shown}"]
    assert told["o"] == [f"- 1 1 IN IP4 {shown}"]
    assert told["Record-Route"][-1].startswith(f"<sip:{shown}:5060;")
    assert told["via"].startswith(f"SIP/2.0/{transport} {shown}:5060;")


@pytest.mark.parametrize(
    ("host", "outside"),
    [
        ("203.0.113.9", True),
        ("8.8.8.8", True),
        ("10.1.2.3", False),
        ("172.31.0.1", False),
        ("172.32.0.1", True),
        ("192.168.1.1", False),
        ("127.0.0.1", False),
        ("fd00::1", False),
        ("2001:db8::1", True),
        ("carrier.example", True),
    ],
)
def test_who_is_outside(host: str, outside: bool) -> None:
    assert is_outside(host) is outside


def test_only_the_workers_own_address_is_swapped() -> None:
    body = (
        b"v=0\r\no=u10.0.0.5 1 1 IN IP4 10.0.0.5\r\nc=IN IP4 10.0.0.50\r\nm=audio 1 RTP/AVP 0\r\nc=IN IP4 10.0.0.5\r\n"
    )
    head = b"INFO sip:a SIP/2.0\r\nContact: <sip:10.0.0.5@10.0.0.5:6001>\r\nX-Y: 10.0.0.5\r\n"
    head += b"Content-Type: application/sdp\r\n"
    message = outward(read(head + b"\r\n" + body), "10.0.0.5", "edge.example", "192.0.2.20")
    assert message.first("contact") == "<sip:10.0.0.5@edge.example:6001>"
    assert message.first("x-y") == "10.0.0.5"
    assert message.body == body.replace(b"IP4 10.0.0.5\r", b"IP4 192.0.2.20\r")


def test_a_request_to_the_public_address_reaches_the_worker() -> None:
    for uri, goes_to in (
        ("sip:w@192.0.2.20:6001;x=y", "sip:w@10.0.0.5:6001;x=y"),
        ("sip:w@10.9.9.9", "sip:w@10.9.9.9"),
    ):
        request = read(f"BYE {uri} SIP/2.0\r\n\r\n".encode())
        assert isinstance(request, Request)
        assert inward(request, "10.0.0.5:6001", "192.0.2.20").uri == goes_to
