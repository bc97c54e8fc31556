"""A number's SIP configuration: given in requests, completed from the deployment's settings, stored with its secrets
sealed."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oneinbox.features.context import Ports
from oneinbox.features.phone_numbers.errors import SipTrunkProvisionFailed
from oneinbox.features.phone_numbers.models import PhoneNumber
from oneinbox.features.phone_numbers.schemas import SipProviderConfig
from oneinbox.kit.bodies import InvalidField
from oneinbox.kit.sealing import Sealer

TRIO = {"trunk_address": "TRUNK_ADDRESS", "auth_username": "SIP_USERNAME", "auth_password": "SIP_PASSWORD"}
"""The SIP values that every trunk needs, and how the variables that supply them end."""
READABLE = frozenset({"trunk_address", "auth_username", "inbound_username", "allowed_addresses"})


@dataclass(frozen=True, slots=True)
class TrunkConfig:
    """What the trunks of a number are made of, each value given or the deployment's own."""

    address: str
    username: str
    password: str = field(repr=False)
    sources: tuple[str, ...]
    inbound_username: str | None
    inbound_password: str | None = field(repr=False)


def resolve(ports: Ports, provider: str, config: SipProviderConfig) -> TrunkConfig:
    """The SIP trio, field by field from the configuration, else from the deployment's settings; and who may call.

    Raises SipTrunkProvisionFailed naming what is missing, InvalidField for half an inbound login.
    """
    spec = ports.carriers[provider]
    defaults = ports.defaults.sip.get(provider)
    trio = {name: getattr(config, name) or getattr(defaults, name, None) or "" for name in TRIO}
    if missing := [name for name in TRIO if not trio[name]]:
        variables = ", ".join(f"{spec.env_prefix}_{TRIO[name]}" for name in missing)
        fields = ", ".join(f"provider_config.{name}" for name in missing)
        raise SipTrunkProvisionFailed(
            f"The SIP trunk needs {fields}: send {_them(missing)} in the request, or set {variables} on the server."
        )
    if bool(config.inbound_username) != bool(config.inbound_password):
        absent = "inbound_password" if config.inbound_username else "inbound_username"
        place = ("body", "provider_config", absent)
        raise InvalidField(place, "inbound_username and inbound_password are given together or not at all")
    return TrunkConfig(
        address=trio["trunk_address"],
        username=trio["auth_username"],
        password=trio["auth_password"],
        sources=(*spec.signalling_ranges, *(config.allowed_addresses or ())),
        inbound_username=config.inbound_username or None,
        inbound_password=config.inbound_password or None,
    )


def merged(config: SipProviderConfig, change: SipProviderConfig) -> SipProviderConfig:
    """The configuration with what is given changed; a null takes the value away."""
    given = {name: getattr(change, name) for name in change.model_fields_set}
    return SipProviderConfig.model_validate(config.model_dump() | given)


def stored(
    sealer: Sealer, workspace_id: str, phone_id: str, config: SipProviderConfig
) -> tuple[dict[str, object], dict[str, str]]:
    """What of the configuration may be read, and the rest, each value sealed for its place."""
    given: Mapping[str, object] = config.model_dump(exclude_none=True)
    readable = {name: value for name, value in given.items() if name in READABLE}
    sealed = {
        name: base64.b64encode(
            sealer.seal(json.dumps(value), workspace_id=workspace_id, row_id=phone_id, field=name)
        ).decode()
        for name, value in given.items()
        if name not in READABLE
    }
    return readable, sealed


def opened(sealer: Sealer, phone: PhoneNumber) -> SipProviderConfig:
    """The configuration of a number as it was given. Raises SealingError."""
    secrets = {
        name: json.loads(
            sealer.open(base64.b64decode(blob), workspace_id=phone.workspace_id, row_id=phone.id, field=name)
        )
        for name, blob in phone.sealed_config.items()
    }
    return SipProviderConfig.model_validate(phone.provider_config | secrets)


def _them(missing: Sequence[str]) -> str:
    return "it" if len(missing) == 1 else "them"
