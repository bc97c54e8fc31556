"""A PostgreSQL that is not the product's own, and a wall clock that can be set for it and for the product."""

import asyncio
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from oneinbox.kit.postgres import EmbeddedPostgres

SOURCE = Path(__file__).with_name("wall_clock.c")


class WallClock:
    """What the processes with this environment take for the time of day; their monotonic clock is left alone."""

    def __init__(self, folder: Path) -> None:
        library, self._file = folder / "wall_clock.so", folder / "ahead"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"], check=True)
        self.environment: Mapping[str, str] = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(self._file)}
        self._file.touch(mode=0o644)
        self.set(0)

    def set(self, seconds: int) -> None:
        """So many seconds from the true time, at once."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("q", seconds))


@contextmanager
def wall_clock() -> Iterator[WallClock | None]:
    """None where there is no C compiler."""
    if shutil.which("cc") is None:
        assert os.environ.get("CI") != "true", "not installed: a C compiler"
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="oneinbox-clock-"))
    folder.chmod(0o755)
    try:
        yield WallClock(folder)
    finally:
        shutil.rmtree(folder)


class OutsidePostgres(EmbeddedPostgres):
    """A server of the test's, whose clock may be set."""

    def __init__(self, folder: Path, clock: WallClock | None) -> None:
        super().__init__(folder, fsync=False)
        self._clock = clock
        self._wrapped = Path(tempfile.mkdtemp(prefix="oneinbox-postgres-"))
        self._wrapped.chmod(0o755)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outside database")
        self._thread.submit(self.start).result()  # the server ends with the thread that has started it

    async def restart(self) -> None:
        """As its administrator does: connections are cut, and it comes back on its port."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._restart)

    def remove(self) -> None:
        """End it and what was made for it."""
        self.stop()
        self._thread.shutdown()
        shutil.rmtree(self._wrapped)

    def _restart(self) -> None:
        port = self.port
        self.stop()
        self.start(port=port)

    def _programs(self, uid: int, gid: int) -> Path:
        programs = super()._programs(uid, gid)
        if self._clock is None:
            return programs
        settings = [f"export {name}={value}" for name, value in self._clock.environment.items()]
        for name, lines in {"initdb": [], "postgres": settings}.items():
            script = self._wrapped / name
            script.write_text("\n".join(["#!/bin/sh", *lines, f'exec {programs / name} "$@"', ""]))
            script.chmod(0o755)
        return self._wrapped
