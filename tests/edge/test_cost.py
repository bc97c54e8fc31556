"""What a message costs grows with its length and no faster, whatever it is made of: one sender deafens nobody."""

from collections.abc import Callable
from itertools import count
from time import process_time

import pytest

HEADERS = (
    "Via",
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Contact",
    "Route",
    "Record-Route",
    "Max-Forwards",
    "Content-Length",
    "Content-Type",
    "Accept",
    "Require",
    "Proxy-Require",
    "Authorization",
    "P-Asserted-Identity",
    "User-Agent",
    "X-Other",
)
VALUES = {
    "Via": "SIP/2.0/UDP 127.0.0.2:5070;branch=z9hG4bKa",
    "From": '"Bob" <sip:+15550105678@carrier.example>;tag=f1',
    "To": "<sip:15551234567@edge.example>",
    "CSeq": "1 INVITE",
    "Authorization": 'Digest realm="oneinbox", x=',
    "P-Asserted-Identity": "<sip:+15550105678@carrier.example>",
    "Record-Route": "<sip:127.0.0.9;lr>",
}
FILLINGS: dict[str, Callable[[int], str]] = {
    "quotes": lambda size: ';x="' + '"' * (size - size % 2) + '"',
    "escapes": lambda size: ';x="' + "\\" * (size - size % 2) + '"',
    "open quote": lambda size: ';x="' + "a" * size,
    "commas": lambda size: "," * size,
    "semicolons": lambda size: ";" * size,
    "quoted commas": lambda size: ';x="",' * (size // 6),
    "blanks": lambda size: " " * size + "x",
    "blanks in a parameter": lambda size: ";x=" + " " * size + "x",
    "blanks after semicolons": lambda size: "; " * (size // 2) + "x",
    "brackets": lambda size: "<" * size,
    "routes of ours": lambda size: ",<sip:a;oi=1>" * (size // 13),
    "hops": lambda size: ",SIP/2.0/UDP a" * (size // 14),
    "folds": lambda size: "\r\n a" * (size // 4),
    "colons": lambda size: "sip:" * (size // 4),
    "letters": lambda size: "a" * size,
}
LINES: dict[str, Callable[[int], str]] = {
    "headers": lambda size: "a:b\r\n" * min(size // 5, 230),
    "too many headers": lambda size: "a:b\r\n" * (size // 5),
    "hops": lambda size: "v: SIP/2.0/UDP a\r\n" * min(size // 18, 90),
    "routes": lambda size: "Route: <sip:a;oi=1>\r\n" * min(size // 21, 230),
}
_turns = count()


def cost(line, data: bytes, answer: Callable[[object], object], say) -> float:
    """Seconds of processor time for an INVITE and its admission; the best of three, each a call of its own."""
    best = 1e9
    for _ in range(3):
        one = data.replace(b"z9hG4bKa", b"z9hG4bK%d" % next(_turns)).replace(b"call-id-", b"%d-" % next(_turns))
        before = process_time()
        for action in line.hear(one):
            if hasattr(action, "facts"):
                answer(action.key)
        best = min(best, process_time() - before)
    return best


def grows(line, say, made: Callable[[int], bytes]) -> tuple[float, float]:
    """What a message of 60 kB costs, and how many times as much as one of a sixth."""
    small, great = (cost(line, made(size), line.admit, say) for size in (10_000, 60_000))
    return great, great / small


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("filling", FILLINGS)
def test_a_long_header(line, say, name, filling):
    def made(size: int) -> bytes:
        return _with(say.invite(call_id="call-id-"), f"{name}: {VALUES.get(name, '')}{FILLINGS[filling](size)}\r\n")

    seconds, times = grows(line, say, made)
    assert times < 15 or seconds < 0.03


@pytest.mark.parametrize("lines", LINES)
def test_many_headers(line, say, lines):
    seconds, times = grows(line, say, lambda size: _with(say.invite(call_id="call-id-"), LINES[lines](size)))
    assert times < 15 or seconds < 0.03


@pytest.mark.parametrize("filling", ["colons", "blanks", "letters", "semicolons"])
@pytest.mark.parametrize("begin", ["sip:", "sip:1@h;", "tel:"])
def test_a_long_request_uri(line, say, filling, begin):
    seconds, times = grows(
        line, say, lambda size: say.invite(uri=begin + FILLINGS[filling](size).strip(), call_id="call-id-")
    )
    assert times < 15 or seconds < 0.03


@pytest.mark.parametrize("piece", ["a=x\n", "m=audio 1 RTP/AVP 0\n", "c=IN IP4 1\n", "o= ", "a=rtpmap:0 x\n", " 0"])
def test_a_long_body(line, say, piece):
    def made(size: int) -> bytes:
        body = b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n" + (piece * (size // len(piece))).encode()
        return say.invite(body=body, call_id="call-id-")

    seconds, times = grows(line, say, made)
    assert times < 15 or seconds < 0.03


@pytest.mark.parametrize("header", ["From: <sip:b@c>" + ";x" * 2000, "Via: SIP/2.0/UDP 127.0.0.2" + ";x" * 2000])
def test_a_header_of_too_many_parts_is_refused(line, say, header):
    assert say.starts(line.hear(_with(say.invite(), f"{header};tag=f1;branch=z9hG4bKa\r\n"))) in (["400"], [])


def _with(message: bytes, lines: str) -> bytes:
    """The message with these lines in place of its header of the same name."""
    name = lines.partition(":")[0].encode().lower()
    head, _, body = message.partition(b"\r\n\r\n")
    kept = [one for one in head.split(b"\r\n") if one.partition(b":")[0].lower() != name]
    return b"\r\n".join(kept) + b"\r\n" + lines.encode() + b"\r\n" + body
