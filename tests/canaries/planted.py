"""The secrets that are planted, by the field that takes each, and which fields the code itself has for secrets."""

import base64
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from fastapi.routing import APIRoute
from pydantic import BaseModel, SecretStr
from tests.canaries.forms import forms

from oneinbox.app.api.application import routes
from oneinbox.app.settings import Settings
from oneinbox.kit.clock import SystemClock
from oneinbox.kit.logs import SECRET_NAMES

USERNAME = "canary-user"
MASTER = bytes(range(100, 132))
FIELDS: Mapping[str, str] = {
    "SipProviderConfig.auth_password": "kanarie-uit/åäö +1&2",
    "SipProviderConfig.inbound_password": 'kanarie-in-4711-"quoted"',
    "SipProviderConfig.*": "kanarie-onbekend-0815",
    "SipProviderConfig.*.*": "kanarie-diep-2718281828",
    "SignupRequest.password": "kanarie-aanmelden-14142",
    "LoginRequest.password": "kanarie-verkeerd-17320",
    "Settings.llm_api_key": "kanarie-model-161803398",
    "Settings.telnyx_sip_password": "kanarie-omgeving-31415",
    "Settings.twilio_sip_password": "kanarie-omgeving-27182",
    "Settings.master_key": base64.b64encode(MASTER).decode(),
}
"""What takes secrets, and the one that is planted there; `*` is any key that nobody knows."""
OWN_PASSWORDS = ("Settings.database_url", "Settings.database_owner_url")
"""Those of the embedded database, which makes them itself and keeps them in `postgres.passwords`."""
SIP: Mapping[str, str] = {
    "SIP wrong password": "kanarie-beller-5772",
    "SIP password in a URI": "kanarie-adres-6180",
    "SIP password in the open": "kanarie-open-3025",
}
"""What callers may let slip, besides the right password, which is that of the number."""


def looks() -> dict[str, dict[str, bytes]]:
    """Every form of every planted secret that is known beforehand."""
    found = {name: forms(secret, username=USERNAME) for name, secret in (FIELDS | SIP).items()}
    found["Settings.master_key"] |= {"raw key": MASTER, "hex key": MASTER.hex().encode()}
    return found


def secret_fields() -> set[str]:
    """The fields that the code has for secrets: of settings by type, of request bodies by type or name."""
    found = {
        f"Settings.{name}" for name, field in Settings.model_fields.items() if SecretStr in _kinds(field.annotation)
    }
    for model in _bodies():
        for name, field in model.model_fields.items():
            kinds = _kinds(field.annotation)
            if SecretStr in kinds or (str in kinds and SECRET_NAMES.search(name)):
                found.add(f"{model.__name__}.{name}")
        if model.model_config.get("extra") == "allow":
            found.add(f"{model.__name__}.*")
    return found


def _bodies() -> set[type[BaseModel]]:
    """What requests are read as, and what that is made of."""
    found: set[type[BaseModel]] = set()
    routers = [getattr(one, "original_router", None) for one in routes(SystemClock()).routes]
    endpoints = [route.endpoint for one in routers if one for route in one.routes if isinstance(route, APIRoute)]
    waiting = {
        kind
        for one in endpoints
        for name, hint in get_type_hints(one).items()
        if name == "body"
        for kind in _kinds(hint)
    }
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in found:
            found.add(kind)
            waiting |= {one for field in kind.model_fields.values() for one in _kinds(field.annotation)}
    return found


def _kinds(annotation: Any) -> set[Any]:
    """The types that an annotation is made of."""
    return {annotation} | {kind for one in get_args(annotation) for kind in _kinds(one)}
