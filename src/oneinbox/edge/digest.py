"""Digest authentication of callers (RFC 7616, RFC 8760; RFC 3261, section 22): what they say, and whether it proves."""

import hmac
import re
from collections.abc import Mapping
from hashlib import md5, sha256

from oneinbox.contracts.admission import Login
from oneinbox.edge.fields import uri_of
from oneinbox.edge.message import Header, Request, made

REALM = "oneinbox"
PREFERRED = ("SHA-256", "MD5")
"""In the order in which they are offered: the first that a client knows is to be used (RFC 8760, section 2.3)."""
NAMELESS = ("MD5", "SHA-256")
"""For clients that don't name themselves: SIPp, among them, looks at the first challenge only."""
OLD = ("MD5",)
"""For clients that give up at a challenge which they don't know, even when they know another."""
MOST_LETTERS = 2048

_OLD_CLIENT = re.compile(r"baresip v[01]\.")
_PARAMETER = re.compile(r'\s*([A-Za-z0-9*_-]{1,32})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)', re.DOTALL)
_COUNT = re.compile(r"[0-9a-fA-F]{8}")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def challenges(nonce: str, request: Request, *, stale: bool = False) -> list[Header]:
    """The headers of a 401 to this request."""
    agent = request.first("user-agent")
    offered = NAMELESS if agent is None else OLD if _OLD_CLIENT.match(agent) else PREFERRED
    again = ", stale=true" if stale else ""
    return [
        made("WWW-Authenticate", f'Digest realm="{REALM}", nonce="{nonce}", algorithm={name}, qop="auth"{again}')
        for name in offered
    ]


def login_of(request: Request) -> Login | None:
    """What the request says to prove who sends it, if it answers a challenge of ours in a form that we offer.

    Whether the nonce is good is another question.
    """
    for header in request.all("authorization"):
        said = parameters(header.value)
        if said is None or said.get("realm") != REALM:
            continue
        algorithm = said.get("algorithm", "MD5").upper()
        wanted = all(said.get(name) for name in ("username", "nonce", "uri", "cnonce", "response"))
        counted = _COUNT.fullmatch(said.get("nc", "")) is not None
        if not (wanted and counted and algorithm in PREFERRED and said.get("qop", "").lower() == "auth"):
            return None
        return Login(
            username=said["username"],
            algorithm=algorithm,
            nonce=said["nonce"],
            uri=said["uri"],
            count=said["nc"],
            cnonce=said["cnonce"],
            response=said["response"],
            method=request.method,
            for_this=_same(said["uri"], request.uri),
        )
    return None


def without_ours(headers: list[Header]) -> list[Header]:
    """The headers without what is said to us alone."""
    return [header for header in headers if header.name != "authorization" or not _is_ours(header)]


def parameters(value: str) -> Mapping[str, str] | None:
    """The parameters of Digest credentials, quotes resolved; None when they are none or one is there twice."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "digest" or len(rest) > MOST_LETTERS:
        return None
    found: dict[str, str] = {}
    place = 0
    while place < len(rest):
        match = _PARAMETER.match(rest, place)
        if match is None or match[1].lower() in found:
            return None
        found[match[1].lower()] = _ESCAPE.sub(r"\1", match[2]) if match[2] is not None else match[3]
        place = match.end()
    return found


def proves(login: Login, username: str, password: str) -> bool:
    """Was this said for this call by someone who knows the password? Takes the same time whatever is wrong."""
    name = hmac.compare_digest(login.username.encode("latin-1", "replace"), username.encode())
    right = _response(login, username, password).encode()
    return hmac.compare_digest(right, login.response.lower().encode("latin-1", "replace")) and name and login.for_this


def _same(digest_uri: str, uri: str) -> bool:
    """Is the digest's URI that of the request? The host may differ: proxies change it (RFC 3261, section 22.4)."""
    if digest_uri == uri:
        return True
    said, asked = uri_of(digest_uri), uri_of(uri)
    if said is None or asked is None or said.scheme != asked.scheme:
        return False
    if not said.user:
        return (said.host.lower(), said.port) == (asked.host.lower(), asked.port)
    return said.user == asked.user


def _response(login: Login, username: str, password: str) -> str:
    first = _hash(login.algorithm, f"{username}:{REALM}:{password}".encode())
    second = _hash(login.algorithm, f"{login.method}:{login.uri}".encode("latin-1", "replace"))
    said = f"{first}:{login.nonce}:{login.count}:{login.cnonce}:auth:{second}"
    return _hash(login.algorithm, said.encode("latin-1", "replace"))


def _hash(algorithm: str, data: bytes) -> str:
    made_of = sha256(data) if algorithm == "SHA-256" else md5(data, usedforsecurity=False)
    return made_of.hexdigest()


def _is_ours(header: Header) -> bool:
    said = parameters(header.value)
    return said is not None and said.get("realm") == REALM
