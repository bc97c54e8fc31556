"""`oneinbox audit`."""

import asyncio

import typer

from oneinbox.app import own_database, settings
from oneinbox.app.settings import Settings
from oneinbox.app.wiring import database_of, sealer_of
from oneinbox.features.audit_events import service as audit_events
from oneinbox.features.audit_events.schemas import Break
from oneinbox.kit import logs
from oneinbox.kit.signing import AUDIT, deployment_key

audit = typer.Typer(add_completion=False, no_args_is_help=True)


@audit.callback()
def group() -> None:
    """The audit trail."""


@audit.command()
def verify() -> None:
    """Check every workspace's chain of audit events; name the first broken row of each. Exits 1 when one is broken."""
    loaded = settings.load()
    logs.configure("error", "audit")
    with own_database.reached(loaded) as complete:
        broken = asyncio.run(_verify(complete))
    for one in broken:
        row = f"{one.event_id} (number {one.seq})" if one.event_id else f"number {one.seq}"
        place = f"workspace {one.workspace_id}: broken at {row}" if one.workspace_id else "the whole trail"
        typer.echo(f"{place}: {one.reason}")
    if not broken:
        typer.echo("All chains are whole.")
    raise typer.Exit(1 if broken else 0)


async def _verify(complete: Settings) -> list[Break]:
    async with database_of(complete) as database:
        async with database.transaction() as session:
            key = await deployment_key(session, sealer_of(complete), AUDIT)
        async with database.transaction() as session:
            return await audit_events.verify(session, key)
