"""Identifiers: UUIDv7 for resources, prefixed ones for trunks and dispatch rules."""

import secrets
from datetime import datetime

import uuid_utils

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7) as a plain string: sorts by creation time."""
    return str(uuid_utils.uuid7())


def first_id(moment: datetime) -> str:
    """What all ids made from that moment on sort behind, and all earlier ones before; milliseconds are told apart."""
    stamp = f"{int(moment.timestamp() * 1000):012x}"
    return f"{stamp[:8]}-{stamp[8:]}"


def prefixed_id(prefix: str) -> str:
    """`prefix` + `_` + 20 random base-62 characters, e.g. `ST_…` for a trunk, `SDR_…` for a dispatch rule."""
    return f"{prefix}_{random_base62(20)}"


def random_base62(length: int) -> str:
    """`length` unpredictable characters of 0-9, A-Z, a-z (5.95 bits each)."""
    return "".join(secrets.choice(_BASE62) for _ in range(length))
