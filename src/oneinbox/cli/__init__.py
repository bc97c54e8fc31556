"""The commands of `oneinbox`: clients of the rooms below, each loaded only when it is called."""

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from oneinbox.app.process import UNUSABLE_EXIT
from oneinbox.app.settings import SettingsError
from oneinbox.kit.errors import OneInboxError

COMMANDS = (
    "up",
    "call",
    "keys",
    "users",
    "attempts",
    "audit",
    "masterkey",
    "doctor",
    "demo",
    "migrate",
    "api",
    "jobs",
    "edge",
    "voice",
    "openapi",
    "configuration",
)
UNUSABLE = frozenset(
    [
        "API_PORT_TAKEN",
        "CANNOT_RUN",
        "DATA_FOLDER_BUSY",
        "NO_DATABASE",
        "PORT_TAKEN",
        "PUBLIC_ADDRESS_UNKNOWN",
        "SEALING_FAILED",
        "SIP_PORT_TAKEN",
        "TLS_UNUSABLE",
        "WRONG_DATABASE_VERSION",
    ]
)
"""Errors of how things are set up: trying again would not help."""
FAILED = 1


class _Commands(TyperGroup):
    """Finds each command in the module of its name."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"oneinbox.cli.{cmd_name}")
        there = getattr(module, cmd_name)
        if isinstance(there, typer.Typer):
            return get_command(there)
        alone = typer.Typer(add_completion=False)
        alone.command(name=cmd_name)(there)
        return get_command(alone)


app = typer.Typer(cls=_Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def oneinbox() -> None:
    """Voice agents on your own phone numbers."""


def main() -> None:
    """Run a command; what goes wrong is said in a sentence on stderr. Exits 2 when the set-up is wrong, else 1."""
    try:
        app()
    except OneInboxError as error:
        sys.stderr.write(f"{error}\n")
        unusable = isinstance(error, SettingsError) or error.code in UNUSABLE
        sys.exit(UNUSABLE_EXIT if unusable else FAILED)
