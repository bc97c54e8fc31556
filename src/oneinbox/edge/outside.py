"""What peers beyond a 1:1 NAT are told: our public address where the worker has written its own."""

import re
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TypeVar

from oneinbox.edge.fields import uri_of
from oneinbox.edge.message import Header, Request, Response, made
from oneinbox.edge.sdp import media_host

M = TypeVar("M", Request, Response)

_INSIDE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"))
) + tuple(map(ip_network, ("fc00::/7", "fe80::/10", "::1/128")))
"""Networks that aren't routed on the Internet (RFC 1918, 6598, 3927, 4193): callers there need no public address."""


@lru_cache(maxsize=4096)
def is_outside(host: str) -> bool:
    """Does this numeric host reach us through the NAT?"""
    try:
        address = ip_address(host)
    except ValueError:
        return True
    return not any(address in network for network in _INSIDE)


def outward(message: M, inner: str, public: str, media: str, *, contact: bool = True) -> M:
    """What a worker says, as it goes out: Contact and the offer's or answer's addresses are public."""
    if contact:
        message.headers = [_contact(one, inner, public) if one.name == "contact" else one for one in message.headers]
    if message.body and (message.first("content-type") or "").lower().startswith("application/sdp"):
        return resized(message, _sdp(message.body, inner, media))
    return message


def resized(message: M, body: bytes) -> M:
    """The message with another body."""
    message.body = body
    message.headers = [_length(header, body) for header in message.headers]
    return message


def unreachable(body: bytes, source: str) -> str | None:
    """The address in an offer that only the caller's own network knows, though the caller isn't in ours."""
    said = media_host(body)
    if said is None or said == source or is_outside(said):
        return None
    return said if is_outside(source) or ip_address(source).is_loopback else None


def reached(request: Request, source: str) -> Request:
    """The offer as a worker can use it: audio for an address that nobody reaches goes to where the INVITE came from."""
    said = unreachable(request.body, source)
    return outward(request, said, source, source, contact=False) if said is not None else request


def inward(request: Request, worker: str, public: str) -> Request:
    """What a caller says to the public address of a worker goes to its own, `host:port`."""
    uri = uri_of(request.uri)
    if uri is not None and uri.host.lower() == public.lower():
        user = f"{uri.user}@" if uri.user else ""
        request.uri = f"{uri.scheme}:{user}{worker}{uri.params}"
    return request


def _contact(header: Header, inner: str, public: str) -> Header:
    return Header("contact", _swapped(header.raw.decode("latin-1"), inner, public).encode("latin-1"))


def _sdp(body: bytes, inner: str, public: str) -> bytes:
    """Connection and origin lines (RFC 8866, sections 5.2 and 5.7)."""
    pattern = rb"(?m)^((?:c=|o=[^\r\n]* )IN IP[46] )" + re.escape(inner.encode()) + rb"(?=[\r\n/]|$)"
    return re.sub(pattern, lambda match: match[1] + public.encode(), body)


def _length(header: Header, body: bytes) -> Header:
    return made("Content-Length", str(len(body))) if header.name == "content-length" else header


def _swapped(text: str, old: str, new: str) -> str:
    """The first host `old` of a URI in the text replaced."""
    return re.sub(rf"(?<=[@:])\[?{re.escape(old)}\]?(?=[:;>?,\s]|$)", lambda _: new, text, count=1, flags=re.I)
