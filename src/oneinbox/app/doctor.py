"""What could keep calls from being answered on this machine, and what to do about each."""

import os
import shutil
import socket
from dataclasses import dataclass

import httpx
from sqlalchemy.exc import DBAPIError

from oneinbox.adapters.speech.builtin import models, synthesis
from oneinbox.app import own_database
from oneinbox.app.migrate import WrongDatabaseVersion, require_newest
from oneinbox.app.settings import Settings
from oneinbox.app.voice.ports import calls_within, rtp_slice
from oneinbox.app.wiring import database_of, sealer_of
from oneinbox.kit.errors import OneInboxError
from oneinbox.kit.processes import port_is_free

LEAST_FREE_BYTES = 500_000_000
HTTP_SECONDS = 3.0
PORTS_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `advice` says what to do when it isn't good."""

    what: str
    found: str
    good: bool = True
    advice: str = ""


async def examine(settings: Settings) -> list[Finding]:
    """All findings, whether the product runs or not."""
    health = await _health(settings)
    findings = [_folder(settings), _master_key(settings), await _database(settings), _models(settings)]
    if health is None:
        return [*findings, _api_port(settings), _sip_port(settings), _rtp_ports(settings)]
    return [*findings, _serving(health)]


async def _health(settings: Settings) -> dict[str, object] | None:
    async with httpx.AsyncClient(timeout=HTTP_SECONDS, trust_env=False) as http:
        try:
            response = await http.get(f"http://{settings.api_listen}/v1/health")
            answer: dict[str, object] = response.json()
        except (httpx.HTTPError, ValueError):
            return None
        return answer


def _serving(health: dict[str, object]) -> Finding:
    workers = health.get("voice_workers", 0)
    found = f"running, {workers} voice worker(s) ready"
    advice = "No voice worker is ready: they load models for some seconds after the start; else see the log."
    return Finding("product", found, bool(workers), advice)


def _folder(settings: Settings) -> Finding:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        advice = "Set ONEINBOX_DATA_DIR to a folder that this user can write to."
        return Finding("data folder", f"{settings.data_dir}: {error.strerror}", good=False, advice=advice)
    if not os.access(settings.data_dir, os.W_OK):
        advice = f"Let this user write there, or set ONEINBOX_DATA_DIR: chown {os.geteuid()} {settings.data_dir}"
        return Finding("data folder", f"{settings.data_dir} can't be written to", good=False, advice=advice)
    free = shutil.disk_usage(settings.data_dir).free
    found = f"{settings.data_dir}, {free // 1_000_000} MB free"
    return Finding("data folder", found, free >= LEAST_FREE_BYTES, "Free some space, or calls can't be recorded.")


def _master_key(settings: Settings) -> Finding:
    try:
        sealer_of(settings)
    except (OneInboxError, OSError) as error:
        return Finding("master key", str(error), good=False, advice="Put it right as the line above says.")
    return Finding("master key", "usable")


async def _database(settings: Settings) -> Finding:
    try:
        with own_database.reached(settings) as complete:
            async with database_of(complete) as database, database.transaction() as session:
                await require_newest(session)
    except WrongDatabaseVersion as error:
        return Finding("database", str(error), good=False, advice="Run: oneinbox migrate")
    except (OneInboxError, DBAPIError, OSError) as error:
        said = str(error) if isinstance(error, OneInboxError) else type(error).__name__
        advice = "Check ONEINBOX_DATABASE_URL, or unset it to use the embedded database."
        return Finding("database", said, good=False, advice=advice)
    return Finding("database", "answers, at the newest revision")


def _models(settings: Settings) -> Finding:
    if altered := models.problems():
        return Finding("speech models", " ".join(altered), good=False, advice="Install again: make install")
    try:
        models.warm_up()
        synthesis.load(settings.voice_dir).close()
    except (OSError, ImportError, RuntimeError, ValueError) as error:
        return Finding("speech models", f"{type(error).__name__}", good=False, advice="Install again: make install")
    return Finding("speech models", "load and speak")


def _api_port(settings: Settings) -> Finding:
    address = settings.api_listen
    good = port_is_free(socket.SOCK_STREAM, address.host, address.port)
    advice = "Another program has it: end that one, or set ONEINBOX_API_LISTEN to another port."
    return Finding("API port", f"{address} {'is free' if good else 'is taken'} (TCP)", good, advice)


def _sip_port(settings: Settings) -> Finding:
    address = settings.sip_listen
    good = port_is_free(socket.SOCK_DGRAM, address.host, address.port)
    advice = "Another program has it: end that one, or set ONEINBOX_SIP_LISTEN to another port."
    return Finding("SIP port", f"{address} {'is free' if good else 'is taken'} (UDP)", good, advice)


def _rtp_ports(settings: Settings) -> Finding:
    ports = range(
        settings.rtp_ports.first, min(settings.rtp_ports.first + PORTS_LOOKED_AT, settings.rtp_ports.last + 1)
    )
    host = str(settings.media_address)
    taken = [port for port in ports if not port_is_free(socket.SOCK_DGRAM, host, port)]
    calls = settings.voice_workers * calls_within(*rtp_slice(settings.rtp_ports, 0, settings.voice_workers))
    found = f"{settings.rtp_ports} at {host}: " + (
        f"{len(taken)} of the first {len(ports)} are taken" if taken else f"enough for {calls} calls at a time"
    )
    advice = "Set ONEINBOX_RTP_PORTS to a free range, or ONEINBOX_MEDIA_ADDRESS to an address of this machine."
    if not calls:
        advice = "Widen ONEINBOX_RTP_PORTS: every voice worker needs at least two ports."
    return Finding("audio ports", found, bool(calls) and not taken, advice)
