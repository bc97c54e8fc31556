"""A caller: calls the address that it is given, prints what it is told, whether audio comes back, and the BYE."""

import json
import re
import socket
import sys

HERE, THERE, TRANSPORT = sys.argv[1:4]
SIP, RTP = 5070, 20_000


class Line:
    """A UDP socket or a TCP connection."""

    def __init__(self) -> None:
        kind = socket.SOCK_DGRAM if TRANSPORT == "UDP" else socket.SOCK_STREAM
        self._sock = socket.socket(socket.AF_INET, kind)
        self._sock.bind((HERE, SIP))
        self._sock.settimeout(5)
        self._sock.connect((THERE, 5060))

    def say(self, text: str) -> None:
        self._sock.sendall(text.encode())

    def hear(self) -> str:
        return self._sock.recv(65535).decode()


def request(method: str, uri: str, more: str, body: str = "", tag: str = "") -> str:
    return (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{TRANSPORT} {HERE}:{SIP};branch=z9hG4bK{method};rport\r\n{more}"
        f"From: <sip:+15550105678@{HERE}>;tag=f\r\nTo: <sip:1@{THERE}>{tag}\r\nCall-ID: nat\r\nCSeq: 1 {method}\r\n"
        f"Max-Forwards: 70\r\nContact: <sip:caller@{HERE}:{SIP};transport={TRANSPORT.lower()}>\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


def audio_comes_back(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HERE, RTP))
        sock.settimeout(3)
        sock.sendto(b"audio", (host, port))
        try:
            return sock.recv(100) == b"audio"
        except TimeoutError:
            return False


line = Line()
offer = f"v=0\r\no=- 1 1 IN IP4 {HERE}\r\ns=-\r\nc=IN IP4 {HERE}\r\nt=0 0\r\nm=audio {RTP} RTP/AVP 0\r\n"
line.say(request("INVITE", f"sip:15551234567@{THERE}", "", offer))
answer = ""
while "SIP/2.0 200" not in answer or "m=audio" not in answer:
    answer += line.hear()
answer = answer[answer.index("SIP/2.0 200") :]
found = {name: re.findall(rf"(?m)^{name}[:=] ?(.*?)\r", answer) for name in ("Record-Route", "Contact", "c", "o", "m")}
routes = "".join(f"Route: {route}\r\n" for route in reversed(found["Record-Route"]))
contact = re.sub("[<>]", "", found["Contact"][0])
heard = audio_comes_back(found["c"][0].split()[-1], int(found["m"][0].split()[1]))
line.say(request("ACK", contact, routes, tag=";tag=w"))
bye = ""
while "BYE" not in bye:
    bye = line.hear()
vias = re.findall(r"(?m)^Via: (.*?)\r", bye)
length = int(re.findall(r"Content-Length: (\d+)", answer)[0])
whole = length == len(answer.partition("\r\n\r\n")[2])
print(json.dumps({**found, "heard": heard, "bye": bye.split()[1], "via": vias[0], "whole": whole}))
