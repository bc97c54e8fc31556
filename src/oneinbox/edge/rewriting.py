"""The few changes that the edge makes to a message; every other byte stays."""

import re

from oneinbox.edge.actions import Address
from oneinbox.edge.fields import Via, cut
from oneinbox.edge.message import Header, Message, Request, Response, made

OURS = "x-oi-"
MAX_FORWARDS = 70

_HOP = re.compile(r";\s*+(?:received|rport)\b(?:\s*=\s*(?:\[[^\]]*\]|[^;,\s]*))?", re.IGNORECASE)
_BEFORE_AT = re.compile(r"(?<![^@\s<>])[^@\s<>]*+@")
_PASSWORD = re.compile(r"(sips?:[^:]*):.*@", re.IGNORECASE | re.DOTALL)

PHRASES = {
    100: "Trying",
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    486: "Busy Here",
    487: "Request Terminated",
    500: "Server Internal Error",
    503: "Service Unavailable",
    505: "Version Not Supported",
}


def hostport(address: Address) -> str:
    """`host:port` for a URI or a Via, with brackets around IPv6."""
    host, port = address.host, address.port
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reply_address(via: Via, source: Address) -> Address:
    """Where answers go: back on the stream, or to the source's host, its port with `rport`, else that in Via.

    RFC 3261, section 18.2.2, and RFC 3581; never to maddr.
    """
    if source.is_stream:
        return source
    return Address(source.host, source.port if via.wants_rport else via.port or 5060)


def reopened(via: Via, source: Address) -> Address | None:
    """Where answers go when the stream has been closed meanwhile (RFC 3261, section 18.2.2)."""
    return Address(source.host, via.port or 5060, "tcp") if source.transport == "tcp" else None


def answer(request: Request, source: Address, via: Via, status: int, tag: str, *extra: Header) -> bytes:
    """A response of our own. `tag` goes to To where it has none; 100 gets none (RFC 3261, section 8.2.6)."""
    to = request.all("to")[0].raw.decode("latin-1")
    to_value = request.first("to") or ""
    if status != 100 and not re.search(r";\s*tag\s*=", to_value, re.IGNORECASE):
        to = f"{to.rstrip()};tag={tag}"
    vias = [stamped(header, via, source) if not place else header for place, header in enumerate(request.all("via"))]
    lines = [
        f"SIP/2.0 {status} {PHRASES.get(status, 'Refused')}".encode(),
        *(header.raw for header in vias),
        request.all("from")[0].raw,
        to.encode("latin-1"),
        request.all("call-id")[0].raw,
        request.all("cseq")[0].raw,
        *(header.raw for header in extra),
        b"Content-Length: 0",
        b"",
        b"",
    ]
    return b"\r\n".join(lines)


def stamped(header: Header, via: Via, source: Address) -> Header:
    """The top Via with `received` (and `rport` where asked for) telling the truth."""
    name, _, text = header.raw.decode("latin-1").partition(":")
    top, *others = cut(text, ",")
    hop = _HOP.sub("", top).rstrip() + f";received={source[0]}"
    if via.wants_rport:
        hop += f";rport={source[1]}"
    return Header("via", f"{name}:{','.join([hop, *others])}".encode("latin-1"))


def popped(message: Message, name: str) -> list[Header]:
    """The headers without the first value of the first header of `name`."""
    place = message.index(name)
    if place is None:
        return list(message.headers)
    head, _, text = message.headers[place].raw.decode("latin-1").partition(":")
    rest = cut(text, ",")[1:]
    left = [Header(name, f"{head}:{','.join(rest)}".encode("latin-1"))] if rest else []
    return [*message.headers[:place], *left, *message.headers[place + 1 :]]


def forwarded(request: Request, via: Via, source: Address, own_via: str, hops: int, *top: Header) -> Request:
    """The request as it goes on: our Via on top, theirs stamped, one hop fewer, nothing inside that outsiders wrote."""
    headers = [header for header in request.without(OURS) if header.name != "max-forwards"]
    place = next(place for place, header in enumerate(headers) if header.name == "via")
    headers[place] = stamped(headers[place], via, source)
    headers[place:place] = [made("Via", own_via), made("Max-Forwards", str(hops)), *top]
    return Request(headers, request.body, request.method, request.uri)


def returned(response: Response) -> Response:
    """The response as it goes back: our Via off."""
    headers = [header for header in popped(response, "via") if not header.name.startswith(OURS)]
    return Response(headers, response.body, response.status, response.phrase)


def redacted(start: str) -> str:
    """A start line for the record: no password, no control characters, not endless."""
    clean = _BEFORE_AT.sub(lambda found: _PASSWORD.sub(r"\1@", found[0], count=1), start)
    shown = clean[:200]
    return shown if shown.isprintable() else "".join(one if one.isprintable() else "\ufffd" for one in shown)
