"""The job queue, on the same PostgreSQL: a job is deferred and cancelled in the transaction that needs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException
from sqlalchemy.ext.asyncio import AsyncSession

RESUME = "resume_operation"
QUEUE = "operations"


class JobQueue:
    """Jobs that resume operations. Their arguments are ids: nothing in the queue is secret."""

    def __init__(self) -> None:
        self._jobs = procrastinate.App(connector=procrastinate.PsycopgConnector())

    async def defer(self, session: AsyncSession, operation_id: str, wait: timedelta) -> int:
        """Once `session` is committed the operation will be resumed after `wait`. Returns the job's number."""
        async with _connection(session) as connection:
            job = self._jobs.configure_task(
                RESUME, queue=QUEUE, schedule_in={"seconds": round(wait.total_seconds())}, connection=connection
            )
            return await job.defer_async(operation_id=operation_id)

    async def cancel(self, session: AsyncSession, job: int) -> None:
        """The job is taken out, unless it is under way."""
        async with _connection(session) as connection:
            await self._jobs.job_manager.cancel_job_by_id_async(job, delete_job=True, connection=connection)


@asynccontextmanager
async def _connection(session: AsyncSession) -> AsyncIterator[psycopg.AsyncConnection]:
    """The session's connection as the queue takes it. Raises OSError when the database goes away meanwhile."""
    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, psycopg.AsyncConnection)
    try:
        yield connection
    except ConnectorException as error:
        raise OSError(f"The queue's connection failed ({type(error.__cause__).__name__}).") from None
