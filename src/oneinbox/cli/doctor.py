"""`oneinbox doctor`."""

import asyncio

import typer

from oneinbox.app import settings
from oneinbox.app.doctor import Finding, examine
from oneinbox.kit import logs


def doctor() -> None:
    """Look at ports, database, models and folders, and say what to do. Exits 1 when calls can't be answered."""
    loaded = settings.load()
    logs.configure("error", "doctor")
    findings = asyncio.run(examine(loaded))
    for finding in findings:
        typer.echo(_line(finding))
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


def _line(finding: Finding) -> str:
    mark = "ok  " if finding.good else "FAIL"
    advice = "" if finding.good else f"\n      {finding.advice}"
    return f"{mark}  {finding.what}: {finding.found}{advice}"
