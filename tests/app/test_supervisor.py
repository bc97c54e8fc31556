"""A child of the supervisor that is ended while it is being started."""

import asyncio
import os
from pathlib import Path

from oneinbox.app.supervisor import _Child

PATIENCE_SECONDS = 20.0


async def mourn(_: int) -> None:
    """Nobody needs to know."""


def test_a_child_that_is_ended_while_it_is_started_ends(tmp_path: Path) -> None:
    package = tmp_path / "oneinbox"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import signal\nsignal.pause()\n")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}

    async def end_at_once() -> None:
        child = _Child(("edge",), environment, mourn)
        running = asyncio.create_task(child.keep_running())
        await asyncio.sleep(0)
        try:
            await child.end(None)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await running
        finally:
            await child.kill()

    asyncio.run(end_at_once())
