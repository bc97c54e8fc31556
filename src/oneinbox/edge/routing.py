"""Where a request goes next: Route headers that are ours, and the way back to a caller."""

from dataclasses import replace
from ipaddress import ip_address
from itertools import takewhile

from oneinbox.edge.actions import Address
from oneinbox.edge.fields import address_of, cut, parameter, split, uri_of
from oneinbox.edge.message import Header, Malformed, Request, Response, made
from oneinbox.edge.outside import is_outside
from oneinbox.edge.rewriting import hostport
from oneinbox.edge.signing import Hop, Signer

TOKEN = "oi"


def record_route(advertised: Address, token: str) -> str:
    """The Record-Route value by which in-dialog requests come back to us (RFC 3261, section 16.6, step 4)."""
    transport = f";transport={advertised.transport}" if advertised.is_stream else ""
    return f"<sip:{hostport(advertised)}{transport};lr;{TOKEN}={token}>"


def upright(request: Request) -> Request:
    """A strict router's request (it has our Route for its Request-URI and its target last) as a loose one's.

    RFC 3261, section 16.4.
    """
    route = f"<{request.uri}>"
    if f";{TOKEN}=" not in request.uri or not is_ours(route):
        return request
    try:
        routes = [value for header in request.all("route") for value in split(header.value, ",")]
        target = address_of(routes.pop())[0] if routes else request.uri
    except Malformed:
        return request
    headers = [header for header in request.headers if header.name != "route"]
    ours = [made("Route", value) for value in (route, *routes)]
    return replace(request, headers=[*ours, *headers], uri=target)


def hop_of(request: Request, signer: Signer, call_id: str) -> Hop | None:
    """The sides that the top Route names, if it is one of ours and true."""
    value = request.first("route")
    try:
        token = _token(cut(value, ",")[0]) if value is not None else None
    except Malformed:
        return None
    return signer.read(token, call_id) if token else None


def hop_behind(answer: Response, signer: Signer, call_id: str) -> Hop | None:
    """The sides that a Record-Route of ours names in an answer, if it is true."""
    tokens = (_token(value) for header in answer.all("record-route") for value in cut(header.value, ","))
    return next((hop for token in tokens if token and (hop := signer.read(token, call_id))), None)


def is_ours(route: str) -> bool:
    """Does a Route carry a token of ours, forged or not?"""
    return _token(route) is not None


def without_ours(request: Request) -> list[Header]:
    """The headers without the Routes on top that carry a token of ours, forged or not."""
    headers: list[Header] = []
    on_top = True
    for header in request.headers:
        left: Header | None = header
        if on_top and header.name == "route":
            left = _left(header)
            on_top = left is None
        if left is not None:
            headers.append(left)
    return headers


def _left(route: Header) -> Header | None:
    """What is left of a Route without our values on top."""
    name, _, text = route.raw.decode("latin-1").partition(":")
    try:
        values = cut(text, ",")
    except Malformed:
        return route
    ours = len(list(takewhile(_token, (value.strip() for value in values))))
    if not ours:
        return route
    return Header("route", f"{name}:{','.join(values[ours:])}".encode("latin-1")) if values[ours:] else None


def next_hop(headers: Request) -> str:
    """The URI that a request toward a caller is sent to: its next Route, else its Request-URI."""
    value = headers.first("route")
    if value is None:
        return headers.uri
    try:
        return address_of(cut(value, ",")[0])[0]
    except Malformed:
        return headers.uri


def toward_caller(uri: str, source: Address) -> Address:
    """The address for a URI of the caller's side; on a stream it is the other end.

    A name isn't looked up, and an inner address that came from outside can't be reached: both mean where the INVITE
    came from.
    """
    return source if source.is_stream else elsewhere(uri, source)


def elsewhere(uri: str, source: Address) -> Address:
    """The address that a URI names, spoken to as `source` is; `source` where it names none that can be reached."""
    said = uri_of(uri)
    address = said.address if said is not None else None
    if address is None:
        return source
    try:
        inner = ip_address(address.host)
    except ValueError:
        return source
    if inner.is_unspecified or inner.is_multicast or (is_outside(source.host) and not is_outside(address.host)):
        return source
    return address._replace(transport=source.transport)


def _token(value: str) -> str | None:
    try:
        uri = uri_of(address_of(value)[0])
        return parameter(uri.params, TOKEN) if uri is not None else None
    except Malformed:
        return None
