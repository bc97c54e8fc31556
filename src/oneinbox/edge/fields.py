"""What the edge reads out of headers: URIs, addresses, Via, CSeq, and the basics that every request must have."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote_to_bytes

from oneinbox.edge.actions import Address
from oneinbox.edge.message import Malformed, Message, Request, Response, length

SIP_PORT = 5060
Separator = Literal[",", ";"]
MAGIC = "z9hG4bK"

_HOST = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.\-_]*"
_VIA = re.compile(
    rf"SIP\s*+/\s*+[0-9]\.[0-9]\s*+/\s*+([A-Za-z]+)\s++({_HOST})\s*+(?::\s*+([0-9]{{1,5}}))?\s*+((?:;.*)?)",
    re.I | re.S,
)
_URI = re.compile(rf"(sips?):(?:([^@<>\s]*)@)?({_HOST})(?::([0-9]{{1,5}}))?((?:;[^?<>\s]*)?)(\?[^<>\s]*)?", re.I)
_TEL = re.compile(r"tel:([^;<>\s@]+)(;[^<>\s]*)?", re.I)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^<>\s]+")
_CSEQ = re.compile(r"([0-9]{1,10})\s+(\S+)")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_ANONYMOUS = {"anonymous", "restricted", "unavailable", "unknown", "private", "266696687"}
_NUMERIC = re.compile(r"[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
TEXT_LIMIT = 256
MOST_VIAS = 100
"""More than Max-Forwards lets anybody write (RFC 3261, section 8.1.1.6)."""
MOST_PARTS = 1000
"""Values or parameters in one header: reading more takes longer than anybody's message is worth."""
_QUOTED = r'"(?:[^"\\]++|\\.)*+"'
_QUOTE = re.compile(_QUOTED, re.S)
_PARTS = {separator: re.compile(rf'(?:[^"<{separator}]++|{_QUOTED}|<[^>]*+>?)*+', re.S) for separator in (",", ";")}
"""What stands between two separators; all of it possessive, so that no text is read twice."""


@dataclass(frozen=True, slots=True)
class Via:
    """One Via value."""

    transport: str
    host: str
    port: int | None
    branch: str
    wants_rport: bool

    @property
    def sent_by(self) -> str:
        """Host and port, comparable."""
        return f"{self.host.lower()}:{self.port or SIP_PORT}"


@dataclass(frozen=True, slots=True)
class Uri:
    """A sip, sips or tel URI; `host` has no brackets and is empty for tel."""

    scheme: str
    user: str | None
    host: str
    port: int | None
    params: str
    headers: str = ""

    @property
    def address(self) -> Address | None:
        """Where it leads, when its host is numeric."""
        if not _NUMERIC.fullmatch(self.host):
            return None
        return Address(self.host, self.port or SIP_PORT)


@dataclass(frozen=True, slots=True)
class Basics:
    """The headers by which transactions and dialogs are told apart."""

    via: Via
    call_id: str
    cseq: int
    cseq_method: str
    from_tag: str
    to_tag: str
    max_forwards: int | None


def basics(message: Request | Response) -> Basics:
    """Check the headers that the edge relies on. Raises Malformed with what is wrong."""
    call_id = _one(message, "call-id")
    if not call_id or " " in call_id or "\t" in call_id:
        raise Malformed("Call-ID is not one word.")
    sequence = _CSEQ.fullmatch(_one(message, "cseq"))
    if sequence is None or int(sequence[1]) >= 2**32:
        raise Malformed("CSeq is not a number and a method.")
    from_tag = parameter(address_of(_one(message, "from"))[1], "tag") or ""
    to_tag = parameter(address_of(_one(message, "to"))[1], "tag") or ""
    hops = [value for header in message.all("via") for value in split(header.value, ",")]
    if not 0 < len(hops) <= MOST_VIAS:
        raise Malformed("There are too many Vias." if hops else "There is no Via.")
    vias = [via_of(value) for value in hops]
    if isinstance(message, Request):
        _check_request(message, sequence[2])
    return Basics(vias[0], call_id, int(sequence[1]), sequence[2], from_tag, to_tag, _max_forwards(message))


def _check_request(request: Request, cseq_method: str) -> None:
    if request.flaw:
        raise Malformed(request.flaw)
    if request.method != cseq_method:
        raise Malformed("CSeq names another method than the request line.")
    if not _SCHEME.fullmatch(request.uri):
        raise Malformed("The Request-URI is no URI.")
    size = length(request)
    if size is not None and size > len(request.body):
        raise Malformed("The body is shorter than Content-Length.")


def _one(message: Message, name: str) -> str:
    found = message.all(name)
    if len(found) != 1:
        raise Malformed(f"{name.title()} is {'there more than once' if found else 'missing'}.")
    return found[0].value


def _max_forwards(message: Message) -> int | None:
    said = {header.value for header in message.all("max-forwards")}
    if not said:
        return None
    value = said.pop()
    if said or not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Malformed("Max-Forwards is not one number.")
    return int(value)


def via_of(value: str) -> Via:
    """Read one Via value. Raises Malformed."""
    match = _VIA.fullmatch(value)
    if match is None or (match[3] and not 0 < int(match[3]) < 65536):
        raise Malformed("A Via can't be read.")
    branch = parameter(match[4], "branch") or ""
    port = int(match[3]) if match[3] else None
    return Via(match[1].upper(), match[2].strip("[]"), port, branch, parameter(match[4], "rport") is not None)


@lru_cache(maxsize=1024)
def uri_of(text: str) -> Uri | None:
    """Read a URI; None for schemes that we don't speak and for what is none."""
    if tel := _TEL.fullmatch(text):
        return Uri("tel", tel[1], "", None, tel[2] or "")
    match = _URI.fullmatch(text)
    if match is None or (match[4] and not 0 < int(match[4]) < 65536):
        return None
    user = match[2].partition(":")[0] if match[2] is not None else None
    port = int(match[4]) if match[4] else None
    return Uri(match[1].lower(), user, match[3].strip("[]"), port, match[5], match[6] or "")


def address_of(value: str) -> tuple[str, str]:
    """URI and header parameters of a name-addr or addr-spec (RFC 3261, section 20.10). Raises Malformed."""
    text = value.strip()
    if text.startswith('"'):
        text = text[_after_quote(text) :].lstrip()
        if not text.startswith("<"):
            raise Malformed("A display name has no address behind it.")
    _, bracket, after = text.partition("<")
    if not bracket:
        uri, semicolon, params = text.partition(";")
        return uri.strip(), semicolon + params
    uri, closed, params = after.partition(">")
    if not closed:
        raise Malformed("An address has no closing bracket.")
    return uri, params


def _after_quote(text: str) -> int:
    quoted = _QUOTE.match(text)
    if quoted is None:
        raise Malformed("A quoted string has no end.")
    return quoted.end()


def split(text: str, separator: Separator) -> list[str]:
    """Split at separators that stand outside of quotes and angle brackets; the parts are stripped."""
    return [part.strip() for part in cut(text, separator)]


def cut(text: str, separator: Separator) -> list[str]:
    """Like `split`, keeping blanks. Raises Malformed for a quoted string without an end, and for too many parts."""
    if '"' not in text and "<" not in text:
        parts = text.split(separator, MOST_PARTS)
    else:
        parts = _cut_around_quotes(text, separator)
    if len(parts) > MOST_PARTS:
        raise Malformed("A header has too many values or parameters.")
    return parts


def _cut_around_quotes(text: str, separator: Separator) -> list[str]:
    parts: list[str] = []
    begin, part = 0, _PARTS[separator]
    while len(parts) <= MOST_PARTS:
        found = part.match(text, begin)
        end = found.end() if found else begin
        parts.append(text[begin:end])
        if end == len(text):
            break
        if text[end] != separator:
            raise Malformed("A quoted string has no end.")
        begin = end + 1
    return parts


def parameter(params: str, name: str) -> str | None:
    """The value of `;name=value` in a list of parameters; empty when it has none, None when it isn't there."""
    for part in cut(params, ";"):
        key, _, value = part.partition("=")
        if key.strip().lower() == name:
            return value.strip()
    return None


def options_in(message: Message, name: str) -> set[str]:
    """The option tags that the headers of this name list."""
    said = (option.strip().lower() for header in message.all(name) for option in header.value.split(","))
    return {option for option in said if option}


def plain(text: str) -> str:
    """Latin-1 text as people read it: UTF-8 decoded, no control characters, at most TEXT_LIMIT characters."""
    decoded = text.encode("latin-1", "replace").decode("utf-8", "replace")
    return _CONTROLS.sub("\ufffd", decoded[:TEXT_LIMIT])


def dialled(uri: Uri) -> str:
    """User part without password, escapes resolved (RFC 3261, section 19.1.4)."""
    return plain(unquote_to_bytes((uri.user or "").encode("latin-1")).decode("latin-1"))


def caller(request: Request) -> str | None:
    """Who calls: the user of From; when that is withheld, of P-Asserted-Identity, unless Privacy asks for silence."""
    user = _user(request.first("from") or "")
    if user and user.lower() not in _ANONYMOUS:
        return user
    asked = {word.strip().lower() for word in (request.first("privacy") or "none").split(";")}
    asserted = request.first("p-asserted-identity")
    if asserted is None or asked - {"none"}:
        return None
    return _user(asserted)


def _user(value: str) -> str | None:
    try:
        uri = uri_of(address_of(cut(value, ",")[0])[0])
    except Malformed:
        return None
    if uri is None or not uri.user or uri.host.lower() == "anonymous.invalid":
        return None
    return dialled(uri).partition(";")[0] or None
