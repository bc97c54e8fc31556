"""`oneinbox configuration`."""

import typer

from oneinbox.app.configuration import reference


def configuration() -> None:
    """Print the reference of all settings."""
    typer.echo(reference(), nl=False)
