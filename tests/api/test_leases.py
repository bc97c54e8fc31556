"""Operations that wait for their turn in a busy process are not taken over by others meanwhile."""

import asyncio
import uuid
from collections.abc import Awaitable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.app.queue import JobQueue
from oneinbox.app.steps import StepRunner
from oneinbox.kit.clock import SystemClock
from oneinbox.kit.db import Database
from oneinbox.kit.sealing import MasterKeys, Sealer
from oneinbox.kit.steps import OPEN, Operation, Results, Step, Work

SLOW_SECONDS = 1.0
AT_ONCE = 9
"""One after another they take longer than a lease lasts."""


def slow_work(resource_id: str) -> Work:
    async def begin(_: AsyncSession, __: Results) -> str:
        return "begun"

    async def carry_out(_: AsyncSession, __: Results) -> str:
        await asyncio.sleep(SLOW_SECONDS)
        return "carried out"

    return Work("register", "w", resource_id, "{}", [Step("begin", begin), Step("carry_out", carry_out)])


def runner_on(database: Database) -> StepRunner:
    return StepRunner(database, SystemClock(), Sealer(MasterKeys("k", {"k": bytes(32)})), JobQueue())


async def vulture(database: Database) -> None:
    """Resume whatever nobody seems to work on, for ever."""
    runner = runner_on(database)
    while True:
        async with database.transaction() as session:
            found = (await session.scalars(select(Operation.id).where(Operation.state.in_(OPEN)))).all()
        for operation_id in found:
            await runner.resume(operation_id, lambda operation, _: slow_work(operation.resource_id))
        await asyncio.sleep(0.1)


def test_who_waits_for_a_place_is_not_taken_over(database_urls) -> None:
    async def scene() -> list[Results]:
        narrow, other = Database(database_urls.app, pool_size=2), Database(database_urls.app, pool_size=4)
        watching = asyncio.create_task(vulture(other))
        runner = runner_on(narrow)
        running: list[Awaitable[Results]] = [runner.run(slow_work(str(uuid.uuid4()))) for _ in range(AT_ONCE)]
        try:
            return await asyncio.gather(*running)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await narrow.close()
            await other.close()

    assert asyncio.run(scene()) == [{"begin": "begun", "carry_out": "carried out"}] * AT_ONCE
