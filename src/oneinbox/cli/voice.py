"""`oneinbox voice`."""

from typing import Annotated

import typer

from oneinbox.app.process import run
from oneinbox.app.voice.serve import serve


def voice(
    index: Annotated[int, typer.Option(min=0, help="Which of ONEINBOX_VOICE_WORKERS this is, from 0.")] = 0,
) -> None:
    """Run one voice worker alone; `oneinbox up` runs them with everything else."""
    run(f"voice-{index}", lambda settings, stop, ready: serve(settings, index, stop, ready))
