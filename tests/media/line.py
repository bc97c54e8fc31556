"""What tests of the media plane share: planes on loopback, ears that keep what they hear, and sipp."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from oneinbox.adapters.media.embedded import EmbeddedPlane
from oneinbox.contracts.media import BLOCK_SAMPLES, CallLeg, LegEvent
from oneinbox.kit.clock import SystemClock

HERE = Path(__file__).parent
RTP_PORTS = (24000, 24198)

needs_sipp = pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp is not installed")


def tone(hertz: int, blocks: int) -> bytes:
    """A tone of whole blocks, s16le at 8 kHz."""
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(blocks * BLOCK_SAMPLES) / 8000)).astype("<i2").tobytes()


def share_of(hertz: int, pcm: bytes) -> float:
    """How much of the sound in `pcm` is this tone, 0 to 1; silent blocks don't count."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    blocks = [block for block in samples[: len(samples) // 800 * 800].reshape(-1, 800) if np.abs(block).max() > 500]
    phase = np.exp(-2j * np.pi * hertz * np.arange(800) / 8000)
    return float(np.mean([2 * abs(block @ phase) ** 2 / (800 * block @ block) for block in blocks])) if blocks else 0.0


@dataclass
class Ear:
    """An audio sink that keeps both sides."""

    heard: bytearray = field(default_factory=bytearray)
    said: bytearray = field(default_factory=bytearray)

    def block(self, heard: bytes, said: bytes) -> None:
        self.heard += heard
        self.said += said


@contextlib.asynccontextmanager
async def plane(
    on_call: Callable[[CallLeg], Awaitable[None]], rtp_ports: tuple[int, int] = RTP_PORTS
) -> AsyncIterator[tuple[EmbeddedPlane, tuple[str, int]]]:
    made = EmbeddedPlane("127.0.0.1", rtp_ports, SystemClock().monotonic)
    address = await made.start(on_call)
    try:
        yield made, address
    finally:
        await made.close()


async def until(leg: CallLeg, kind: str, seconds: float = 10) -> LegEvent:
    """The next event of this kind; what comes before it is dropped."""
    async with asyncio.timeout(seconds):
        async for event in leg.events():
            if event.kind == kind:
                return event
    raise AssertionError(f"the leg closed without {kind}")


@contextlib.asynccontextmanager
async def sipp(
    folder: Path, scenario: str, *arguments: str, calls: int = 1
) -> AsyncIterator[asyncio.subprocess.Process]:
    """sipp with a scenario of this folder, in as many calls at once; killed when the block is left."""
    process = await asyncio.create_subprocess_exec(
        *("sipp", "-m", str(calls), "-r", str(calls), "-l", str(calls)),
        *("-nostdin", "-timeout", "20s", "-timeout_error", "-i", "127.0.0.1"),
        *("-sf", str(HERE / scenario), *arguments),
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def bound(port: int, seconds: float = 5) -> None:
    """Wait until somebody listens on this UDP port of 127.0.0.1."""
    async with asyncio.timeout(seconds):
        while True:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    return
            await asyncio.sleep(0.02)
