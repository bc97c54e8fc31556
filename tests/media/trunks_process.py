"""The scripted trunks' process, as tests start and stop it."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass
class TrunksProcess:
    """A process on `port` of loopback, with its store in `path`."""

    path: Path
    port: int
    process: subprocess.Popen[str]

    def restart(self) -> None:
        """Killed, and started again on its port with what it had stored."""
        _end(self.process)
        self.process, _ = _start(self.path, self.port)


@contextlib.contextmanager
def trunks_process(folder: Path) -> Iterator[TrunksProcess]:
    """One for as long as the block lasts."""
    path = folder / "trunks.json"
    process, port = _start(path, 0)
    running = TrunksProcess(path, port, process)
    try:
        yield running
    finally:
        _end(running.process)


def _start(path: Path, port: int) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-m", "oneinbox.adapters.media.scripted", str(path), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(10)
    if process.stdout is not None:
        process.stdout.close()
