"""`oneinbox keys`."""

import asyncio
from typing import Annotated

import typer

from oneinbox.app import own_database, settings
from oneinbox.app.bootstrap import DEFAULT_WORKSPACE, issue_key
from oneinbox.kit import logs

keys = typer.Typer(add_completion=False, no_args_is_help=True, help="API keys, made on the machine itself.")


@keys.callback()
def group() -> None:
    """API keys, made on the machine itself."""


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    workspace: Annotated[str, typer.Option(help="Whose key it is; made when it isn't there.")] = DEFAULT_WORKSPACE,
) -> None:
    """Print a new API key and nothing else; it works whether the product runs or not."""
    loaded = settings.load()
    logs.configure("error", "keys")
    with own_database.reached(loaded) as complete:
        typer.echo(asyncio.run(issue_key(complete, name, workspace)))
