"""SIP messages (RFC 3261, section 7) that keep the bytes of every header line, so that they leave as they came.

Text is Latin-1 throughout, which maps every byte to one character and back: nothing is lost in between.
"""

import re
from dataclasses import dataclass

MAX_HEADERS = 256

_COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_FOLD = re.compile(r"\r\n[ \t]+")
_NEXT = re.compile(r"\r\n(?![ \t])")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2}) (.*)", re.IGNORECASE | re.DOTALL)
_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]{1,9}")


class Malformed(ValueError):
    """The message breaks the grammar; the text says how, in words for the record."""


@dataclass(frozen=True, slots=True)
class Header:
    """One header as it came: its long name in lower case, and its bytes with folds, without the last CRLF."""

    name: str
    raw: bytes

    @property
    def value(self) -> str:
        """The value, unfolded and stripped."""
        return _FOLD.sub(" ", self.raw.decode("latin-1").partition(":")[2]).strip()


@dataclass(slots=True)
class Message:
    """Headers in order, and the body."""

    headers: list[Header]
    body: bytes

    def all(self, name: str) -> list[Header]:
        """Every header of a (long, lower-case) name."""
        return [header for header in self.headers if header.name == name]

    def first(self, name: str) -> str | None:
        """The value of the first header of a name."""
        return next((header.value for header in self.headers if header.name == name), None)

    def index(self, name: str) -> int | None:
        """Where the first header of a name stands."""
        return next((place for place, header in enumerate(self.headers) if header.name == name), None)

    def without(self, prefix: str) -> list[Header]:
        """The headers whose names don't begin with `prefix`."""
        return [header for header in self.headers if not header.name.startswith(prefix)]


@dataclass(slots=True)
class Request(Message):
    """A request; `version` is other than SIP/2.0 only where that is to be answered."""

    method: str
    uri: str
    version: str = "SIP/2.0"
    flaw: str = ""
    """What is wrong with it, when it can be answered nevertheless."""

    @property
    def start(self) -> str:
        """The request line."""
        return f"{self.method} {self.uri} {self.version}"


@dataclass(slots=True)
class Response(Message):
    """A response."""

    status: int
    phrase: str

    @property
    def start(self) -> str:
        """The status line."""
        return f"SIP/2.0 {self.status} {self.phrase}"


def read(data: bytes) -> Request | Response:
    """The message in one datagram; bytes behind Content-Length are dropped (RFC 3261, section 18.3).

    Reads structure only: `fields.basics` checks what the headers say. Raises Malformed where there is no structure.
    """
    head, gap, rest = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not gap:
        raise Malformed("The headers have no end.")
    start, *lines = _lines(head)
    found = [_header(line) for line in lines]
    headers = [header for header in found if header is not None]
    flaw = "A header line has no name." if len(headers) < len(found) else ""
    if start[:4].upper() == "SIP/":
        if flaw:
            raise Malformed(flaw)
        return _response(start, headers, rest)
    return _request(start, headers, rest, flaw)


def wire(message: Request | Response) -> bytes:
    """The bytes of a message."""
    lines = [message.start.encode("latin-1"), *(header.raw for header in message.headers), b"", message.body]
    return b"\r\n".join(lines)


def made(name: str, value: str) -> Header:
    """A header of ours."""
    return Header(name.lower(), f"{name}: {value}".encode("latin-1"))


def length(message: Message) -> int | None:
    """Content-Length, if the message has one. Raises Malformed when it isn't one number."""
    said = {header.value for header in message.all("content-length")}
    if not said:
        return None
    value = said.pop()
    if said or not _LENGTH.fullmatch(value):
        raise Malformed("Content-Length is not one number.")
    return int(value)


def _lines(head: bytes) -> list[str]:
    text = head.decode("latin-1")
    if not text.count("\r") == text.count("\n") == text.count("\r\n"):
        raise Malformed("A line has a bare CR or LF.")
    start, end, others = text.partition("\r\n")
    lines = [start, *_NEXT.split(others)] if end else [start]
    if len(lines) > MAX_HEADERS:
        raise Malformed("There are too many headers.")
    return lines


def _header(line: str) -> Header | None:
    name, colon, _ = line.partition(":")
    short = _FOLD.sub(" ", name).strip(" \t").lower()
    if not colon or name[:1] in (" ", "\t") or not _TOKEN.fullmatch(short):
        return None
    return Header(_COMPACT.get(short, short), line.encode("latin-1"))


def _request(start: str, headers: list[Header], rest: bytes, flaw: str) -> Request:
    method, _, after = start.partition(" ")
    uri, _, version = after.rstrip(" \t").rpartition(" ")
    if not (_TOKEN.fullmatch(method) and uri and _VERSION.fullmatch(version)):
        raise Malformed("The first line is no SIP request.")
    if after != after.rstrip(" \t") or uri != uri.strip(" \t"):
        flaw = "The request line has too many blanks."
    request = Request(headers, rest, method, uri, version, flaw)
    request.body = _body(request, rest)
    return request


def _response(start: str, headers: list[Header], rest: bytes) -> Response:
    match = _STATUS_LINE.fullmatch(start)
    if match is None:
        raise Malformed("The first line is no SIP response.")
    response = Response(headers, rest, int(match[1]), match[2])
    size = length(response)
    response.body = rest if size is None else rest[:size]
    if size is not None and size > len(rest):
        raise Malformed("The body is shorter than Content-Length.")
    return response


def _body(request: Request, rest: bytes) -> bytes:
    try:
        size = length(request)
    except Malformed:
        return rest  # the request can be answered all the same
    return rest if size is None else rest[:size]
