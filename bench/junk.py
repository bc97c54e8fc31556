"""A sender of junk that costs next to nothing: `python -S bench/junk.py HOST PORT PACKETS_PER_SECOND SOURCES`.

Prepared datagrams go round from that many loopback addresses until its standard input ends; then it prints how many it
sent and how many CPU seconds sending them took. What is answered is never read.
"""

import select
import socket
import sys
import time
from contextlib import suppress

STEP_SECONDS = 0.002
PREPARED = 6_000
MOST_AT_ONCE = 200
_HEAD = (
    "{method} sip:{user}@{host} SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKjunk{number}\r\n"
    "Max-Forwards: 70\r\nFrom: <sip:100@{host}>;tag={number}\r\nTo: <sip:{user}@{host}>\r\nCall-ID: junk{number}\r\n"
    "CSeq: 1 {method}\r\nContact: <sip:100@198.51.100.7:5060>\r\nUser-Agent: friendly-scanner\r\n"
    "Content-Length: {length}\r\n\r\n"
)
_OFFER = (
    "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)
_KINDS = ("INVITE", "REGISTER", "INVITE", "OPTIONS", "noise")


def junk(number: int, host: str) -> bytes:
    """What scanners and broken devices send: two INVITEs, a REGISTER, an OPTIONS, and bytes that are no SIP."""
    method = _KINDS[number % len(_KINDS)]
    if method == "noise":
        return b"\x00\xffnoise" * 40
    body = _OFFER if method == "INVITE" else ""
    head = _HEAD.format(method=method, user=1000 + number, host=host, number=number, length=len(body))
    return (head + body).encode()


def main() -> None:
    """Send until standard input ends."""
    host, port, a_second, sources = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    socks = [_socket(place, (host, port)) for place in range(sources)]
    wires = [junk(number, host) for number in range(PREPARED)]
    print("sending", flush=True)
    before, began, sent = time.process_time(), time.monotonic(), 0
    while not select.select([sys.stdin], [], [], STEP_SECONDS)[0]:
        owed = int((time.monotonic() - began) * a_second) - sent
        for number in range(sent, sent + min(owed, MOST_AT_ONCE)):
            with suppress(OSError):  # its buffer is full, or it is gone: that counts as sent
                socks[number % sources].send(wires[number % PREPARED])
        sent += min(owed, MOST_AT_ONCE)
    print(sent, time.process_time() - before, time.monotonic() - began, flush=True)


def _socket(place: int, dest: tuple[str, int]) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.bind((f"127.66.{place // 200}.{1 + place % 200}", 0))
    made.connect(dest)
    return made


if __name__ == "__main__":
    main()
