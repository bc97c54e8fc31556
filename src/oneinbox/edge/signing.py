"""What the edge signs, so that it knows it again without remembering: Route tokens, branches, tags."""

import hmac
from dataclasses import dataclass

from oneinbox.edge.actions import Address, Transport
from oneinbox.edge.fields import MAGIC
from oneinbox.edge.rewriting import hostport

_MAC_LETTERS = 32
_TRANSPORTS: dict[str, Transport] = {"udp": "udp", "tcp": "tcp", "tls": "tls"}


@dataclass(frozen=True, slots=True)
class Hop:
    """What a Route token says: who the two sides of its dialog are."""

    worker: Address
    caller: Address


class Signer:
    """Signs with one key; hexadecimal throughout, since some proxies change the case of URI parameters."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, hop: Hop, call_id: str) -> str:
        """A token that names both sides and holds for this Call-ID only."""
        said = f"{hostport(hop.worker)} {hostport(hop.caller)} {hop.caller.transport}"
        return f"{said.encode().hex()}-{self._mac('route', said, call_id)}"

    def read(self, token: str, call_id: str) -> Hop | None:
        """The sides that a token names, if it was signed here for this Call-ID."""
        text, _, mac = token.lower().partition("-")
        try:
            said = bytes.fromhex(text).decode("ascii")
        except ValueError:
            return None
        if not hmac.compare_digest(self._mac("route", said, call_id).encode(), mac.encode("latin-1", "replace")):
            return None
        worker, caller, transport = said.split(" ")
        return Hop(_address(worker), _address(caller)._replace(transport=_TRANSPORTS[transport]))

    def branch(self, *parts: str) -> str:
        """A branch that only we can make (RFC 3261, section 8.1.1.7)."""
        return f"{MAGIC}oi{self._mac('branch', *parts)}"

    def invite_key(self, branch: str, sent_by: str, host: str) -> str:
        """What an INVITE is known by, from its sender's Via and where it came from."""
        return self.branch("key", branch, sent_by, host)

    def leg_branch(self, key: str, turn: int) -> str:
        """Our branch to the worker whose turn it is with this INVITE."""
        return self.branch("leg", key, str(turn))

    def tag(self, *parts: str) -> str:
        """A To tag; the same parts give the same tag."""
        return self._mac("tag", *parts)[:16]

    def _mac(self, *parts: str) -> str:
        said = "\0".join(parts).encode("utf-8", "replace")
        return hmac.digest(self._key, said, "sha256").hex()[:_MAC_LETTERS]


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host.strip("[]"), int(port))
