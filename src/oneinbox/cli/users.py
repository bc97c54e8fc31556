"""`oneinbox users`."""

import asyncio
import sys
from typing import Annotated

import typer

from oneinbox.app import own_database, settings
from oneinbox.app.bootstrap import DEFAULT_WORKSPACE, add_user
from oneinbox.kit import logs

users = typer.Typer(add_completion=False, no_args_is_help=True, help="People who sign in, made on the machine itself.")


@users.callback()
def group() -> None:
    """People who sign in, made on the machine itself."""


@users.command()
def create(
    email: Annotated[str, typer.Argument(help="The e-mail address that they sign in with.")],
    name: Annotated[str | None, typer.Option(help="What they are called; else the address.")] = None,
    workspace: Annotated[str, typer.Option(help="Whose owner they are; made when it isn't there.")] = DEFAULT_WORKSPACE,
) -> None:
    """Print a new user's id and nothing else; the password is asked for, or read as one line from stdin."""
    loaded = settings.load()
    logs.configure("error", "users")
    password = _password()
    with own_database.reached(loaded) as complete:
        typer.echo(asyncio.run(add_user(complete, email, name or email, password, workspace)))


def _password() -> str:
    """Never an argument: those can be read by everybody on the machine."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")
