"""Debian's baresip as a caller: dials, takes keys as its user would press them, and keeps what it hears."""

import asyncio
import contextlib
import shutil
import wave
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

needs_softphone = pytest.mark.skipif(shutil.which("baresip") is None, reason="baresip is not installed")

HOLD, RESUME, HANG_UP, QUIT = "x", "X", "b", "q"

CONFIG = """\
sip_listen {host}:0
sip_transports udp
net_interface {host}
rtp_ports 27000-27098
audio_source aufile,{folder}/says.wav
audio_player aubridge,nil
audio_alert aubridge,nil
ausrc_srate 8000
auplay_srate 8000
snd_path {folder}
statmode_default off
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module stdio.so
module_app account.so
module_app menu.so
"""


class Softphone:
    """A running call of baresip's."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder

    async def press(self, keys: str, seconds: float = 0.3) -> None:
        """Press keys, one after the other with `seconds` between them; digits are sent as RFC 4733 events."""
        assert self._process.stdin is not None
        for key in keys:
            self._process.stdin.write(key.encode())
            await self._process.stdin.drain()
            await asyncio.sleep(seconds)

    async def hang_up(self) -> None:
        """Hang up and end the program."""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            await self.press(HANG_UP + QUIT)
        await asyncio.wait_for(self._process.wait(), 10)

    def heard(self) -> bytes:
        """What it has heard, s16le mono at 8 kHz; complete after `hang_up`."""
        pcm = b""
        for path in sorted(self._folder.glob("dump-*-dec.wav")):
            with wave.open(str(path)) as file:
                pcm += file.readframes(file.getnframes())
        return pcm


@contextlib.asynccontextmanager
async def softphone(
    folder: Path,
    target: tuple[str, int],
    says: bytes,
    *,
    host: str = "127.0.0.1",
    codec: str = "pcma",
    number: str = "+15551234567",
    before: Sequence[str] = (),
) -> AsyncIterator[Softphone]:
    """A call from `host` to `number` at `target`, saying PCM; `before` is what the command is run by."""
    (folder / "config").write_text(CONFIG.format(host=host, folder=folder))
    (folder / "accounts").write_text(f"<sip:+15550105678@{host};transport=udp>;regint=0;audio_codecs={codec}\n")
    (folder / "contacts").touch()
    with wave.open(str(folder / "says.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(says)
    dial = f"d sip:{number}@{target[0]}:{target[1]}"
    process = await asyncio.create_subprocess_exec(
        *(*before, "baresip", "-4", "-f", str(folder), "-e", dial, "-t", "60"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield Softphone(process, folder)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
