"""What the edge reads out of an offer (RFC 8866): the encodings of its first audio line, and its address."""

import re

MOST_ENCODINGS = 40
STATIC = {"0": "PCMU/8000", "3": "GSM/8000", "4": "G723/8000", "8": "PCMA/8000", "9": "G722/8000", "18": "G729/8000"}
"""Payload types that need no rtpmap (RFC 3551, table 4)."""

_AUDIO = re.compile(r"audio [0-9]{1,5}(?:/[0-9]+)? [A-Za-z0-9/]{1,30}((?: [0-9]{1,3})+)\s*")
_MAP = re.compile(r"rtpmap:([0-9]{1,3}) ([!-~]{1,40})\s*")

_ADDRESS = re.compile(rb"(?m)^c=IN IP[46] ([0-9A-Fa-f.:]{1,45})(?=[\r\n/]|$)")


def media_host(body: bytes) -> str | None:
    """Where the first connection line wants audio sent (RFC 8866, section 5.7); None for names and for no line."""
    found = _ADDRESS.search(body)
    return found[1].decode() if found else None


def allows_keys(body: bytes) -> bool:
    """May the other side name keys (RFC 4568)? Yes, when this one does, or leaves the offer to it."""
    return not body or has_keys(body)


def has_keys(body: bytes) -> bool:
    """Does it name keys?"""
    return b"\na=crypto:" in body


def without_keys(body: bytes) -> bytes:
    """The body without the keys that nobody asked for (RFC 4568, section 5.1.2)."""
    return re.sub(rb"(?m)^a=crypto:[^\r\n]*\r?\n?", b"", body)


def offered(body: bytes) -> tuple[str, ...]:
    """`name/clock` of each payload type in the order of the line; a type that nothing explains is its number."""
    formats: list[str] = []
    names = dict(STATIC)
    for line in body.decode("latin-1").splitlines():
        if line.startswith("m="):
            if formats:
                break
            audio = _AUDIO.fullmatch(line[2:])
            formats = audio[1].split()[:MOST_ENCODINGS] if audio else []
        elif formats and line.startswith("a="):
            mapped = _MAP.fullmatch(line[2:])
            if mapped:
                names[mapped[1]] = mapped[2]
    return tuple(names.get(one, one) for one in formats)
