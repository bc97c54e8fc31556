"""The jobs process: one worker on the queue, started again whenever the database was away."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition

from oneinbox.app.jobs import retention
from oneinbox.app.jobs.tasks import register, remaking
from oneinbox.app.migrate import require_newest
from oneinbox.app.running import run_beside
from oneinbox.app.settings import Settings
from oneinbox.app.wiring import database_of, ports_of, sealer_of, steps_of
from oneinbox.kit.clock import SystemClock
from oneinbox.kit.db import conninfo
from oneinbox.kit.signing import AUDIT, deployment_key

AT_ONCE = 4
POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 1.0
DEAD_AFTER_SECONDS = 5.0
PAUSE_SECONDS = 1.0
TOO_LATE = """
WITH beats AS (UPDATE procrastinate_workers SET last_heartbeat = now() WHERE last_heartbeat > now() + interval '1 s')
UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo' AND scheduled_at > now() + interval '20 s'
"""
"""No job is ever put off by as much, and no heart has beaten yet that is to beat: the clock was set back."""

_log = structlog.get_logger(__name__)


async def serve(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Work on jobs until `stop`; those under way are finished. Raises WrongDatabaseVersion."""
    assert settings.database_url is not None
    database = database_of(settings)
    clock, sealer = SystemClock(), sealer_of(settings)
    try:
        async with database.transaction() as session:
            await require_newest(session)
            ports = await ports_of(settings, session, database, sealer, clock)
            remake = remaking(ports, clock, await deployment_key(session, sealer, AUDIT))
        where = conninfo(settings.database_url.get_secret_value())
        connector = procrastinate.PsycopgConnector(conninfo=where, min_size=1, max_size=AT_ONCE)
        app = procrastinate.App(connector=connector)
        register(app, steps_of(database, clock, sealer), remake, clock)
        async with app.open_async():
            ready()
            old = retention.follow(database, clock, timedelta(days=settings.attempts_kept_days))
            await run_beside(stop.wait(), {"worker": _work(app), "rescue": _rescue(app), "retention": old})
    finally:
        await database.close()


async def _work(app: procrastinate.App) -> None:
    """Carry out jobs, for ever; a job that this process was cut off from is rescued later."""
    while True:
        try:
            await app.run_worker_async(
                concurrency=AT_ONCE,
                fetch_job_polling_interval=POLL_SECONDS,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=DEAD_AFTER_SECONDS,
                delete_jobs=DeleteJobCondition.SUCCESSFUL,
                install_signal_handlers=False,
            )
        except (ConnectorException, OSError) as error:
            _log.warning("queue_away", reason=type(error).__name__)
        await asyncio.sleep(PAUSE_SECONDS)


async def _rescue(app: procrastinate.App) -> None:
    """Put jobs back into the queue whose worker has died, or that wait for a time the clock was set back from."""
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        try:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_SECONDS):
                _log.warning("job_rescued", job=job.id, task=job.task_name)
                await app.job_manager.retry_job(job)
            await app.connector.execute_query_async(TOO_LATE)
        except (ConnectorException, OSError) as error:
            _log.warning("queue_away", reason=type(error).__name__)
