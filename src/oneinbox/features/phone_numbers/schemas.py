"""Phone numbers as the public API reads and shows them, and as the edge needs them."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_serializer
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from oneinbox.kit.bodies import RequestBody

Provider = Literal["twilio", "telnyx"]
AnsweredBy = Literal["agent", "fallback_agent", "voicemail", "nobody"]
MOST_NETWORKS = 100
SHORTEST_PREFIX = {4: 8, 6: 32}
MOST_SPOKEN = 5_000
MOST_NAME = 255

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")


def _ascii(number: str) -> str:
    if not number.isascii():
        raise PydanticCustomError("phone_number", "The digits of a phone number are 0 to 9")
    return number


def _network(value: str) -> str:
    try:
        network = ip_network(value)
    except ValueError:
        raise PydanticCustomError(
            "network", "This is not a network. Right would be an address or a CIDR without host bits: 203.0.113.0/24"
        ) from None
    if network.prefixlen < SHORTEST_PREFIX[network.version]:
        raise PydanticCustomError(
            "network_too_wide",
            "This network is too wide: it is for the networks of a carrier, none of them wider than "
            "/{shortest}. Callers who may be anywhere prove themselves by inbound_username and inbound_password",
            {"shortest": SHORTEST_PREFIX[network.version]},
        )
    return str(network)


def _trunk_address(value: str) -> str:
    if not (value == "" or _HOST.fullmatch(value)):
        raise PydanticCustomError(
            "trunk_address", "This is not a SIP server. Right would be a host, or host:port: sip.telnyx.com"
        )
    return value


def _at_most(longest: int) -> AfterValidator:
    """A limit that the public schema doesn't show, because it must equal the contract's."""

    def check(value: str) -> str:
        if len(value) > longest:
            raise PydanticCustomError(
                "string_too_long", "This is too long: at most {max_length} characters", {"max_length": longest}
            )
        return value

    return AfterValidator(check)


E164 = Annotated[str, Field(pattern=r"^\+[1-9]\d{1,14}$"), AfterValidator(_ascii)]
Short = Annotated[str, Field(max_length=255)]
TrunkAddress = Annotated[Short, AfterValidator(_trunk_address)]
FriendlyName = Annotated[str, _at_most(MOST_NAME)]
Spoken = Annotated[str, _at_most(MOST_SPOKEN)]
Network = Annotated[str, AfterValidator(_network)]
Networks = Annotated[list[Network], Field(max_length=MOST_NETWORKS)]


class SipProviderConfig(RequestBody):
    """SIP digest credentials for outbound trunk auth.

    Same three fields for Twilio and Telnyx — they both speak SIP and need
    a username/password pair plus the trunk address. The values differ per
    provider:

      twilio:
        trunk_address:  '<your-domain>.pstn.twilio.com'
        auth_username:  Twilio Elastic SIP Trunk credential username
        auth_password:  matching password (never logged, stripped from DB)

      telnyx:
        trunk_address:  'sip.telnyx.com' (or your region-specific edge)
        auth_username:  Telnyx SIP connection auth username
        auth_password:  matching password

    All fields are OPTIONAL at the schema layer because the service falls
    back to env vars (`{PROVIDER}_TRUNK_ADDRESS`, `{PROVIDER}_SIP_USERNAME`,
    `{PROVIDER}_SIP_PASSWORD`) when omitted. The service raises 400
    SIP_TRUNK_PROVISION_FAILED if neither path provides all three.

    `extra="allow"` preserves forward-compat — future provider-specific
    knobs (e.g. Twilio's `messaging_service_sid`) can be added by callers
    without us bumping the API.
    """

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    trunk_address: TrunkAddress | None = Field(default=None, description="SIP server FQDN, e.g. 'sip.telnyx.com'.")
    auth_username: Short | None = None
    auth_password: Short | None = Field(default=None, repr=False)
    allowed_addresses: SkipJsonSchema[Networks | None] = None
    inbound_username: SkipJsonSchema[Short | None] = None
    inbound_password: SkipJsonSchema[Short | None] = Field(default=None, repr=False)


class InboundRoutingFallback(RequestBody):
    """Backup agent dispatched when the primary inbound_routing.agent_id is
    unreachable (deleted, paused, or returns a worker error). Optional —
    if omitted the worker just rejects the call.
    """

    agent_id: UUID | None = None

    @field_serializer("agent_id")
    def _plain(self, value: UUID | None) -> str:
        return str(value)


class InboundRouting(RequestBody):
    """Per-number routing override. Stored as JSONB so we can extend with
    business-hours and caller-id rules later without a schema change.
    """

    agent_id: UUID
    fallback: InboundRoutingFallback | None = None
    voicemail_message: Spoken | None = None

    @field_serializer("agent_id")
    def _plain(self, value: UUID) -> str:
        return str(value)


class InboundRoutingUpdate(RequestBody):
    agent_id: UUID | None = None
    fallback: InboundRoutingFallback | None = None
    voicemail_message: Spoken | None = None


class PhoneNumberCreate(RequestBody):
    phone_number: E164
    friendly_name: FriendlyName | None = None
    provider: Provider
    agent_id: UUID
    provider_config: SipProviderConfig = Field(default_factory=SipProviderConfig)
    inbound_routing: InboundRouting | None = None
    credential_id: UUID | None = None


class PhoneNumberUpdate(RequestBody):
    friendly_name: FriendlyName | None = None
    agent_id: UUID | None = None
    inbound_routing: InboundRoutingUpdate | None = Field(
        default=None,
        description="Merged into what is stored: keys left out stay; null as a whole removes the override.",
    )
    status: Literal["active", "inactive"] | None = Field(
        default=None,
        description="`inactive` switches the number off: calls to it are refused until it is `active` again.",
    )
    provider_config: SipProviderConfig | None = Field(
        default=None,
        description="Merged into what is stored; a null takes a value away. The trunks are replaced in place.",
    )


class PhoneNumberResponse(BaseModel):
    id: str
    phone_number: str
    friendly_name: str | None
    provider: str
    agent_id: str
    status: str
    inbound_trunk_id: str | None
    outbound_trunk_id: str | None
    dispatch_rule_id: str | None
    inbound_routing: InboundRouting | None = None
    sms_capable: bool | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Route:
    """Who a number's calls are for."""

    agent_id: str
    fallback_agent_id: str | None
    voicemail_message: str | None

    @property
    def agents(self) -> tuple[str, ...]:
        """The ids of the agents, in order."""
        return tuple(dict.fromkeys(one for one in (self.agent_id, self.fallback_agent_id) if one is not None))

    def answered_by(self, able: Collection[str]) -> AnsweredBy:
        """Who answers when these agents can."""
        if self.agent_id in able:
            return "agent"
        if self.fallback_agent_id in able:
            return "fallback_agent"
        return "voicemail" if self.voicemail_message else "nobody"


@dataclass(frozen=True, slots=True)
class Line:
    """A live number as the edge needs it: who answers its calls, and who may send them."""

    phone_id: str
    number: str
    workspace_id: str
    status: str
    route: Route
    sources: tuple[str, ...]
    """CIDRs."""
    wants_digest: bool


@dataclass(frozen=True, slots=True)
class Released:
    """A number that was registered here once."""

    number: str
    at: datetime
