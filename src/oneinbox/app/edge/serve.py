"""The edge process: SIP on its socket, admission on PostgreSQL, the reaper, and the sources that may call."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from oneinbox.app.edge.admission import Admission
from oneinbox.app.edge.limits import Most
from oneinbox.app.edge.reaper import Reaper
from oneinbox.app.edge.server import run_edge
from oneinbox.app.edge.sources import KnownSources
from oneinbox.app.migrate import require_newest
from oneinbox.app.running import listen, run_beside
from oneinbox.app.settings import Settings
from oneinbox.app.wiring import database_of, sealer_of
from oneinbox.edge.actions import Address
from oneinbox.features.trunks import service as trunks
from oneinbox.features.workers import service as workers
from oneinbox.kit.clock import SystemClock
from oneinbox.kit.db import Database
from oneinbox.kit.signing import CALL_TICKET, DIALOG_ROUTE, deployment_key

POOL_SIZE = 16
WILDCARD = "0.0.0.0"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Keys:
    """What this process signs with."""

    route: bytes
    ticket: bytes


async def serve(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Answer SIP until `stop` is set; `ready` is called once the socket is open. Raises SipPortTaken, NoDatabase."""
    database = database_of(settings, pool_size=POOL_SIZE)
    try:
        await _serve(settings, database, stop, ready)
    finally:
        await database.close()


async def _serve(settings: Settings, database: Database, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    clock = SystemClock()
    keys = await _keys(settings, database)
    gone: asyncio.Queue[Address] = asyncio.Queue()
    reaper = Reaper(database, clock, gone)
    sources = KnownSources(settings.trusted_sources)
    await sources.refresh(database)
    most = Most(settings.calls_per_number, settings.calls_per_workspace, settings.calls_per_second)
    admission = Admission(database, clock, keys.ticket, settings.trusted_sources, sealer_of(settings), most)
    listening = (settings.sip_listen.host, settings.sip_listen.port)

    def opened(address: Address) -> None:
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
        worker_gone=gone,
        clock=clock,
        ready=opened,
        spool=settings.data_dir / f"edge-{listening[1]}.attempts",
    )
    eternal = {
        "edge": edge,
        "reaper": reaper.run(),
        "lost workers": listen(database, workers.CHANNEL, lambda worker_id: reaper.wake()),
        "sources": sources.follow(database),
        "changed trunks": listen(database, trunks.CHANNEL, lambda trunk_id: sources.expire()),
    }
    await run_beside(_until(stop), eternal)


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


async def _keys(settings: Settings, database: Database) -> _Keys:
    sealer = sealer_of(settings)
    async with database.transaction() as session:
        await require_newest(session)
        route = await deployment_key(session, sealer, DIALOG_ROUTE)
        return _Keys(route, await deployment_key(session, sealer, CALL_TICKET))
