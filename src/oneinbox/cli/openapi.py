"""`oneinbox openapi`."""

import json

import typer

from oneinbox.app.api.application import routes
from oneinbox.kit.clock import SystemClock


def openapi() -> None:
    """Print the API's OpenAPI document."""
    typer.echo(json.dumps(routes(SystemClock()).openapi(), indent=2, ensure_ascii=False))
