"""Copies of what a caller sent that are safe to send back: no text, and nothing that isn't known to be harmless."""

from collections.abc import Iterable, Mapping, Sequence

REDACTED = "[redacted]"

HARMLESS = frozenset(
    [
        "phone_number",
        "friendly_name",
        "provider",
        "agent_id",
        "llm_id",
        "webhook_id",
        "credential_id",
        "status",
        "fallback",
        "inbound_routing",
        "name",
        "model",
        "language",
        "speed",
        "stability",
        "temperature",
        "max_tokens",
        "limit",
        "offset",
        "transcriber",
        "tts",
        "max_duration_seconds",
        "silence_timeout_seconds",
        "interruption_sensitivity",
        "responsiveness",
        "background_sound",
        "enable_recording",
        "emotions",
        "voicemail_detection",
        "provider_config",
        "phone_id",
        "model_id",
        "key_id",
        "call_id",
        "tool_ids",
        "knowledge_base_ids",
        "scopes",
        "rotate_grace_seconds",
    ]
)
HARMLESS_OF_CARRIER = frozenset({"trunk_address", "auth_username", "inbound_username", "allowed_addresses"})
CARRIER_CONFIG = "provider_config"
LISTS = frozenset({"allowed_addresses", "tool_ids", "knowledge_base_ids", "scopes"})
DEEPEST = 8
HARMLESS_CONTEXT = frozenset(
    [
        "expected",
        "pattern",
        "min_length",
        "max_length",
        "actual_length",
        "gt",
        "ge",
        "lt",
        "le",
        "field_type",
        "class_name",
    ]
)


def redact(value: object, place: Sequence[str | int]) -> object:
    """A copy of `value`, found at `place` of a request, in which only harmless members are kept, and no text.

    Whoever sent a text knows it, and a secret may be pasted into any field; what is wrong with it is said beside.

    Of lists only those are kept that hold plain values where a list belongs; nothing deeper than DEEPEST is.
    """
    names = [part for part in place if isinstance(part, str)]
    if len(place) > DEEPEST or any(isinstance(part, int) for part in place[:-1]):
        return REDACTED
    match value:
        case Mapping():
            return {
                str(key): redact(member, [*place, str(key)]) for key, member in value.items() if _known(names, str(key))
            }
        case list() | tuple():
            return (
                [redact(member, [*place, index]) for index, member in enumerate(value)] if _listed(place) else REDACTED
            )
        case None:
            return None
        case str():
            return REDACTED
        case _:
            return value if _harmless(place, names) else REDACTED


def redact_errors(errors: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
    """Pydantic's errors with `input` and `ctx` rebuilt from redacted copies."""
    return [_redact_error(error) for error in errors]


def _redact_error(error: Mapping[str, object]) -> dict[str, object]:
    place = error["loc"]
    assert isinstance(place, tuple)
    safe = {name: error[name] for name in ("type", "msg")} | {"loc": list(place)}
    if "input" in error:
        safe["input"] = redact(error["input"], place)
    context = error.get("ctx")
    if isinstance(context, Mapping) and (kept := {k: v for k, v in context.items() if k in HARMLESS_CONTEXT}):
        safe["ctx"] = kept
    return safe


def _listed(place: Sequence[str | int]) -> bool:
    return bool(place) and place[-1] in LISTS


def _harmless(place: Sequence[str | int], names: Sequence[str]) -> bool:
    if len(names) < 2 or names[-1] == CARRIER_CONFIG or not _known(names[:-1], names[-1]):
        return False
    return isinstance(place[-1], str) or names[-1] in LISTS


def _known(parents: Sequence[str], name: str) -> bool:
    return name in (HARMLESS_OF_CARRIER if CARRIER_CONFIG in parents else HARMLESS)
