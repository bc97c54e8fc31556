"""`oneinbox attempts`."""

import asyncio
from typing import Annotated

import typer

from oneinbox.app import own_database, settings
from oneinbox.app.wiring import database_of
from oneinbox.features.attempts import service
from oneinbox.features.attempts.service import Told
from oneinbox.kit import logs


def attempts(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="Also those that reached a registered number.")] = False,
    ladder: Annotated[bool, typer.Option(help="Show the messages of each.")] = False,
) -> None:
    """Say why calls for numbers that nobody owns were refused, and what numbers may have been meant."""
    loaded = settings.load()
    logs.configure("error", "attempts")
    with own_database.reached(loaded) as complete:
        told = asyncio.run(_newest(complete, limit, unowned=not everything))
    for one in reversed(told):
        typer.echo("\n".join(_lines(one, ladder=ladder)))


async def _newest(complete: settings.Settings, limit: int, *, unowned: bool) -> list[Told]:
    async with database_of(complete, pool_size=1) as database, database.transaction() as session:
        return list(await service.newest(session, limit, unowned=unowned))


def _lines(told: Told, *, ladder: bool) -> list[str]:
    one = told.attempt
    who = f"{one.caller_number or 'somebody'} at {one.source} for {one.dialled or 'no number'}"
    lines = [f"{one.at:%Y-%m-%d %H:%M:%S%z}  {one.status or 'no answer'}  {one.cause}  {who}: {one.reason}"]
    lines += [f"    {number}" for number in told.numbers]
    return lines + ([f"    {step}" for step in one.ladder] if ladder else [])
