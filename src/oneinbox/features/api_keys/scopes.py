"""What an API key may be limited to: reading or writing one kind of resource."""

from collections.abc import Collection
from enum import StrEnum

ALL = "*"
_READING = frozenset({"GET", "HEAD"})


class Scope(StrEnum):
    """`<resource>:read` for asking, `<resource>:write` for everything that changes something; `*` for all of it."""

    EVERYTHING = ALL
    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    API_KEYS_READ = "api-keys:read"
    API_KEYS_WRITE = "api-keys:write"
    AUDIT_EVENTS_READ = "audit-events:read"
    CALLS_READ = "calls:read"
    CALLS_WRITE = "calls:write"
    MODELS_READ = "models:read"
    MODELS_WRITE = "models:write"
    OPERATIONS_READ = "operations:read"
    PHONE_NUMBERS_READ = "phone-numbers:read"
    PHONE_NUMBERS_WRITE = "phone-numbers:write"


def needed(method: str, path: str) -> str:
    """The scope that a request wants, by its method and its path below `/v1/`."""
    resource = path.removeprefix("/v1/").partition("/")[0]
    return f"{resource}:{'read' if method in _READING else 'write'}"


def allows(scopes: Collection[str], scope: str) -> bool:
    """Whether a key with these scopes has that one; a key without any is not limited."""
    return not scopes or ALL in scopes or scope in scopes


def beyond(scopes: Collection[str], wanted: Collection[str]) -> list[str]:
    """Which of the wanted scopes a key with these does not have itself; wanting none is wanting everything."""
    return sorted({scope for scope in wanted or {ALL} if not allows(scopes, scope)})
