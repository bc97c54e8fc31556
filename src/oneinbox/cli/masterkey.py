"""`oneinbox masterkey`."""

import asyncio
from typing import Annotated

import typer

from oneinbox.app import own_database, rotation, settings
from oneinbox.app.settings import Settings
from oneinbox.app.wiring import database_of, sealer_of
from oneinbox.kit import logs
from oneinbox.kit.sealing import KeyFile

masterkey = typer.Typer(add_completion=False, no_args_is_help=True)


@masterkey.callback()
def group() -> None:
    """The key that seals secrets."""


@masterkey.command()
def rotate(
    forget_old: Annotated[
        bool, typer.Option(help="Drop the older keys from the file: what is in backups can't be opened any more.")
    ] = False,
) -> None:
    """Make a new master key and seal everything anew under it. The product may run meanwhile.

    With ONEINBOX_MASTER_KEY set the new key is yours to make: put it behind the old one there and restart everything,
    then before the old one and restart again, run this, and then take the old one away.
    """
    loaded = settings.load()
    logs.configure("error", "masterkey")
    file = KeyFile(loaded.master_key_file) if loaded.master_key is None else None
    with own_database.reached(loaded) as complete:
        kid = file.add_newest() if file else None
        resealed, left = asyncio.run(_reseal(complete))
    typer.echo(f"{resealed} values are sealed anew, {left} are left on an older key")
    if left:
        raise typer.Exit(1)
    if file and kid and forget_old:
        file.keep_only({kid})


async def _reseal(complete: Settings) -> tuple[int, int]:
    sealer = sealer_of(complete)
    async with database_of(complete) as database:
        resealed = await rotation.reseal(database, sealer)
        return resealed, await rotation.left_behind(database, sealer)
