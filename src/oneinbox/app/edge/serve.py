"""The edge process: SIP on its socket, admission on PostgreSQL, the reaper, and the sources that may call."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from oneinbox.app.edge.admission import Admission
from oneinbox.app.edge.limits import Most
from oneinbox.app.edge.reaper import Reaper
from oneinbox.app.edge.server import Doors, run_edge
from oneinbox.app.edge.sources import KnownSources
from oneinbox.app.edge.streams import TlsUnusable, tls_context
from oneinbox.app.migrate import require_newest
from oneinbox.app.running import listen, run_beside
from oneinbox.app.settings import Settings
from oneinbox.app.wiring import database_of, sealer_of
from oneinbox.edge.actions import Address
from oneinbox.features.trunks import service as trunks
from oneinbox.features.workers import service as workers
from oneinbox.kit.clock import SystemClock
from oneinbox.kit.db import Database
from oneinbox.kit.errors import OneInboxError
from oneinbox.kit.signing import CALL_TICKET, DIALOG_ROUTE, deployment_key

POOL_SIZE = 16
WILDCARD = "0.0.0.0"

_log = structlog.get_logger(__name__)


class PublicAddressUnknown(OneInboxError):
    """Nobody can be told where we are."""

    code = "PUBLIC_ADDRESS_UNKNOWN"


@dataclass(frozen=True, slots=True)
class _Keys:
    """What this process signs with."""

    route: bytes
    ticket: bytes


async def serve(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Answer SIP until `stop` is set; `ready` is called once the socket is open. Raises SipPortTaken, NoDatabase."""
    async with database_of(settings, pool_size=POOL_SIZE) as database:
        await _serve(settings, database, stop, ready)


async def _serve(settings: Settings, database: Database, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    clock = SystemClock()
    keys = await _keys(settings, database)
    gone: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    reaper = Reaper(database, clock, gone)
    sources = KnownSources(settings.trusted_sources)
    await sources.refresh(database)
    most = Most(settings.calls_per_number, settings.calls_per_workspace, settings.calls_per_second)
    admission = Admission(database, clock, keys.ticket, settings.trusted_sources, sealer_of(settings), most)
    listening = (settings.sip_listen.host, settings.sip_listen.port)

    def opened(address: tuple[str, int]) -> None:
        _log.info("sip_open", address=f"{address[0]}:{address[1]}")
        ready()

    edge = run_edge(
        listen=listening,
        advertised=(str(settings.media_address), 0) if listening[0] == WILDCARD else None,
        route_key=keys.route,
        admit=admission.admit,
        record=admission.settle,
        known_sources=sources,
        asks=sources.logins,
        admitted=sources.admitted,
        worker_gone=gone,
        clock=clock,
        ready=opened,
        doors=await _doors(settings),
        spool=settings.data_dir / f"edge-{listening[1]}.attempts",
        kept=settings.data_dir / f"edge-{listening[1]}.dialogs",
    )
    eternal = {
        "edge": edge,
        "reaper": reaper.run(),
        "lost workers": listen(database, workers.CHANNEL, lambda worker_id: reaper.wake()),
        "sources": sources.follow(database),
        "changed trunks": listen(database, trunks.CHANNEL, lambda trunk_id: sources.expire()),
    }
    await run_beside(_until(stop), eternal)


async def _doors(settings: Settings) -> Doors:
    """Raises TlsUnusable, PublicAddressUnknown."""
    tls, where = None, settings.sip_tls_listen
    files = (settings.sip_tls_cert, settings.sip_tls_key)
    if where is not None and files[0] is not None and files[1] is not None:
        tls = (Address(where.host, where.port, "tls"), tls_context(files[0], files[1]))
    elif where is not None or any(files):
        names = ", ".join(f"ONEINBOX_SIP_TLS_{name}" for name in ("LISTEN", "CERT", "KEY"))
        raise TlsUnusable(f"{names} are set together or not at all.")
    public = settings.public_address
    media = await _numeric(public) if public is not None else None
    return Doors(tls, public, media, settings.calls_per_second)


async def _numeric(name: str) -> str:
    """SDP says addresses, not names."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, family=socket.AF_INET)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise PublicAddressUnknown(f"ONEINBOX_PUBLIC_ADDRESS: {name} can't be resolved: {reason}.") from error
    return str(found[0][4][0])


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


async def _keys(settings: Settings, database: Database) -> _Keys:
    sealer = sealer_of(settings)
    async with database.transaction() as session:
        await require_newest(session)
        route = await deployment_key(session, sealer, DIALOG_ROUTE)
        return _Keys(route, await deployment_key(session, sealer, CALL_TICKET))
