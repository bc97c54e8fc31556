"""What comes back of a request that was refused."""

import json

import pytest

from oneinbox.kit.redaction import REDACTED, redact, redact_errors

SECRET = "s3cret-canary"


@pytest.mark.parametrize(
    "body",
    [
        SECRET,
        [SECRET],
        [{"name": SECRET}],
        {"auth_password": SECRET},
        {"provider_config": SECRET},
        {"provider_config": [SECRET]},
        {"provider_config": {"auth_password": SECRET, "messaging_service_sid": SECRET}},
        {"provider_config": {"trunk_address": [SECRET]}},
        {"friendly_name": [SECRET]},
        {"friendly_name": [[SECRET]]},
        {"scopes": [{"name": SECRET}]},
        {"inbound_routing": {"fallback": [{"agent_id": SECRET}]}},
        {"unknown": {"name": SECRET}},
    ],
)
def test_a_secret_at_a_wrong_place_stays_away(body: object) -> None:
    assert SECRET not in json.dumps(redact(body, ["body"]))


def test_what_helps_the_caller_comes_back() -> None:
    """Its shape, and values that are no text; a number in place of a password stays away too."""
    body = {
        "phone_number": 5551234,
        "scopes": ["calls"],
        "speed": 7.5,
        "enable_recording": None,
        "provider_config": {"trunk_address": "sip.example", "auth_password": 12345678},
    }
    assert redact(body, ["body"]) == {
        "phone_number": 5551234,
        "scopes": [REDACTED],
        "speed": 7.5,
        "enable_recording": None,
        "provider_config": {"trunk_address": REDACTED},
    }
    assert redact(7, ["body", "provider_config", "auth_password"]) == REDACTED
    assert redact(SECRET, ["body", "phone_number"]) == REDACTED


def test_depth_is_bounded() -> None:
    nested: object = SECRET
    for _ in range(5000):
        nested = [nested]
    assert redact(nested, ["body", "scopes"]) == [REDACTED]
    wide: object = SECRET
    for _ in range(5000):
        wide = {"inbound_routing": wide}
    assert SECRET not in json.dumps(redact(wide, ["body"]))


def test_an_error_keeps_its_place_and_its_bound() -> None:
    error = {
        "type": "string_too_long",
        "loc": ("body", "provider_config", "auth_password"),
        "msg": "too long",
        "input": SECRET,
        "ctx": {"max_length": 255, "error": SECRET},
    }
    assert redact_errors([error]) == [
        {
            "type": "string_too_long",
            "msg": "too long",
            "loc": ["body", "provider_config", "auth_password"],
            "input": REDACTED,
            "ctx": {"max_length": 255},
        }
    ]
