"""Callers that aren't ours: sipp with the test's own G.711 ear and mouth, and what was heard as words."""

import asyncio
import contextlib
import io
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Literal, cast

import av
import numpy as np
import numpy.typing as npt
from tests.e2e.product import Product
from tests.e2e.scenarios import scenario

from oneinbox.adapters.speech.builtin.listening import transcribe_file

Codec = Literal["PCMU", "PCMA"]
Samples = npt.NDArray[np.int16]

BLOCK = 160
BLOCK_SECONDS = 0.02
LOUD = 500
"""Peak of 16-bit samples from which a block has a voice in it."""
PATIENCE = 20.0
QUIET = 0.3
"""Of silence after the last word: what is still on its way has come."""
PAYLOAD_TYPES: dict[Codec, int] = {"PCMU": 0, "PCMA": 8}
AV_NAMES: dict[Codec, str] = {"PCMU": "pcm_mulaw", "PCMA": "pcm_alaw"}
SECOND = bytes(16000)

_call_ids = count(1)


def words(text: str) -> set[str]:
    """The words of a text, in lower case."""
    return set(re.findall("[a-z]+", text.lower()))


async def heard_words(pcm: bytes) -> set[str]:
    """The words in a recording, s16le mono at 8 kHz."""
    return words(" ".join(said.text for said in await transcribe_file(pcm)))


def missing(heard: set[str], *wanted: str) -> set[str]:
    """Those of these words that were not heard.

    Ask for words that a recogniser can't well miss: not for little ones, nor for a first one that runs into the next.
    """
    return set(wanted) - heard


def seconds_of_tone(hertz: int, pcm: bytes) -> float:
    """How long a pure tone of this pitch sounds in a recording."""
    blocks = np.frombuffer(pcm[: len(pcm) // 800 * 800], "<i2").astype(float).reshape(-1, 400)
    phase = np.exp(-2j * np.pi * hertz * np.arange(400) / 8000)
    energy = np.maximum(1.0, (blocks**2).sum(axis=1))
    share = 2 * np.abs(blocks @ phase) ** 2 / (400 * energy)
    return float(np.count_nonzero((share > 0.9) & (np.abs(blocks).max(axis=1) >= LOUD)) * 0.05)


def sides(ogg: bytes) -> tuple[bytes, bytes]:
    """Left and right of a stereo recording as s16le mono at 8 kHz."""
    with av.open(io.BytesIO(ogg), "r") as file:
        assert file.streams.audio[0].codec_context.name == "opus"
        assert file.streams.audio[0].codec_context.channels == 2
        both = av.AudioResampler("s16", "stereo", 8000)
        frames = [part for frame in file.decode(audio=0) for part in both.resample(frame)] + both.resample(None)
    samples = np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in frames])
    return samples[:, 0].astype("<i2").tobytes(), samples[:, 1].astype("<i2").tobytes()


def encode(pcm: bytes, codec: Codec) -> bytes:
    """16-bit PCM as G.711."""
    coder = av.CodecContext.create(AV_NAMES[codec], "w")
    coder.sample_rate, coder.layout, coder.format = 8000, "mono", "s16"  # type: ignore[attr-defined]
    frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2").reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = 8000
    return b"".join(bytes(packet) for packet in [*coder.encode(frame), *coder.encode(None)])  # type: ignore[attr-defined]


def decode(payload: bytes, codec: Codec) -> bytes:
    """G.711 as 16-bit PCM."""
    coder = av.CodecContext.create(AV_NAMES[codec], "r")
    coder.sample_rate, coder.layout = 8000, "mono"  # type: ignore[attr-defined]
    frames = coder.decode(av.Packet(payload))  # type: ignore[attr-defined]
    return b"".join(frame.to_ndarray().astype("<i2").tobytes() for frame in frames)


def loud(pcm: bytes) -> bool:
    """Whether there is a voice in it."""
    return int(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)).max(initial=0)) >= LOUD


async def until(
    holds: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = PATIENCE, every: float = BLOCK_SECONDS
) -> None:
    """Wait until something holds; fails after too long a time, saying what was waited for."""
    loop = asyncio.get_running_loop()
    latest = loop.time() + seconds
    while not (held if isinstance(held := holds(), bool) else await held):
        assert loop.time() < latest, f"waited {seconds:.0f} s for {what}"
        await asyncio.sleep(every)


@dataclass(frozen=True)
class Heard:
    """One packet of the agent's: when it came, on the loop's clock, and its sound."""

    at: float
    pcm: bytes

    @property
    def loud(self) -> bool:
        return loud(self.pcm)


class Phone(asyncio.DatagramProtocol):
    """A caller's audio: sends some ms of G.711 at a time, what it is given to say or else silence; keeps what it hears.

    It sends to where the first packet came from, as phones behind a NAT do.
    """

    def __init__(self, codec: Codec, packet_ms: int = 20) -> None:
        self.heard: list[Heard] = []
        self._samples = packet_ms * 8
        self.port = 0
        self._codec = codec
        self._transport: asyncio.DatagramTransport | None = None
        self._far: tuple[str, int] | None = None
        self._talking: asyncio.Task[None] | None = None
        self._queue: list[tuple[bytes, bool]] = []
        self._spoke_at = 0.0
        self._silence = encode(bytes(2 * self._samples), codec)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) <= 12 or data[1] & 0x7F != PAYLOAD_TYPES[self._codec]:
            return
        self.heard.append(Heard(asyncio.get_running_loop().time(), decode(data[12:], self._codec)))
        if self._talking is None:
            self._far = addr
            self._talking = asyncio.create_task(self._talk(), name="phone")

    def close(self) -> None:
        """Say nothing any more."""
        if self._talking is not None:
            self._talking.cancel()
        if self._transport is not None:
            self._transport.close()

    @property
    def pcm(self) -> bytes:
        """All that was heard."""
        return b"".join(one.pcm for one in self.heard)

    def since(self, at: float) -> bytes:
        """What was heard from a time on."""
        return b"".join(one.pcm for one in self.heard if one.at >= at)

    def last_loud(self) -> float:
        """When a voice was last heard; 0 for never."""
        return next((one.at for one in reversed(self.heard) if one.loud), 0.0)

    async def say(self, pcm: bytes) -> tuple[float, float]:
        """Speak to the end; when the first and the last packet with a voice in it were sent."""
        await until(lambda: self._talking is not None, "the agent's first packet")
        size = 2 * self._samples
        blocks = [pcm[start : start + size] for start in range(0, len(pcm), size)]
        silent = next(index for index, block in enumerate(blocks) if loud(block))
        began = self._now() + silent * self._samples / 8000
        self._queue += [(encode(block.ljust(size, b"\0"), self._codec), loud(block)) for block in blocks]
        await until(lambda: not self._queue, "the end of the caller's words", len(pcm) / 16000 + PATIENCE)
        return began, self._spoke_at

    async def hear_voice(self, since: float = 0.0) -> float:
        """Wait until a voice is heard from a time on; when it began."""
        await until(lambda: self._onset(since) is not None, "a voice")
        began = self._onset(since)
        assert began is not None
        return began

    async def hear_silence(self, seconds: float) -> None:
        """Wait until no voice has been heard for some time."""
        await until(lambda: self._now() - self.last_loud() > seconds, "silence")

    def _onset(self, since: float) -> float | None:
        return next((one.at for one in self.heard if one.at >= since and one.loud), None)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _talk(self) -> None:
        assert self._transport is not None
        loop, sequence, due = asyncio.get_running_loop(), 0, asyncio.get_running_loop().time()
        kind = PAYLOAD_TYPES[self._codec]
        while True:
            payload, speaks = self._queue.pop(0) if self._queue else (self._silence, False)
            header = bytes((0x80, kind)) + sequence.to_bytes(2, "big") + (sequence * self._samples).to_bytes(4, "big")
            self._transport.sendto(header + b"e2e!" + payload, self._far)
            self._spoke_at = loop.time() if speaks else self._spoke_at
            sequence = (sequence + 1) % 65536
            due += self._samples / 8000
            await asyncio.sleep(max(0.0, due - loop.time()))


@dataclass
class SippCall:
    """Calls that sipp has placed, with a phone each."""

    product: Product
    numbers: Sequence[str]
    process: asyncio.subprocess.Process
    folder: Path
    address: tuple[str, int]
    call_ids: Sequence[str]
    phones: Sequence[Phone]

    @property
    def phone(self) -> Phone:
        """The only phone."""
        (phone,) = self.phones
        return phone

    async def hear_out(self, turns: int = 1, index: int = 0) -> None:
        """Wait until the agent has said so many turns to their ends.

        The record tells when: on a busy machine an agent may pause longer in a sentence than callers wait after one.
        """
        said = partial(asyncio.to_thread, self._has_said, index, turns)
        await until(said, f"the agent's turn {turns}", 2 * PATIENCE, every=0.2)
        await self.phones[index].hear_silence(QUIET)

    def _has_said(self, index: int, turns: int) -> bool:
        messages = [one for call in self.product.calls_to(self.numbers[index]) for one in call["messages"]]
        return len([one for one in messages if one["role"] == "agent"]) >= turns

    def go_on(self, index: int = 0) -> None:
        """Let the scenario pass its next `TOLD`: sipp takes any request of its call for the sign."""
        told = (
            f"INFO sip:caller@{self.address[0]} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKtold\r\n"
            f"From: <sip:test@127.0.0.1>;tag=test\r\nTo: <sip:caller@127.0.0.1>\r\n"
            f"Call-ID: {self.call_ids[index]}\r\nCSeq: 99 INFO\r\nContent-Length: 0\r\n\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(told.encode(), self.address)

    async def done(self, seconds: float = PATIENCE) -> None:
        """Wait for the scenario's end; fails when anything in it went another way."""
        code = await asyncio.wait_for(self.process.wait(), seconds)
        assert code == 0, f"sipp ended with {code}:\n{self._errors()}"

    async def hang_up(self) -> None:
        """Pass the last `TOLD` of each call, and wait for the end."""
        for index in range(len(self.phones)):
            self.go_on(index)
        await self.done()

    def _errors(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in self.folder.glob("*_errors.log"))


@contextlib.asynccontextmanager
async def sipp(
    folder: Path,
    product: Product,
    steps: Sequence[str],
    *numbers: str,
    source: str = "127.0.0.1",
    codec: Codec = "PCMU",
    packet_ms: int = 20,
    dialled: str = "+{}",
) -> AsyncIterator[SippCall]:
    """sipp calls each of the numbers at once, in the steps of a scenario; it is killed when the block is left.

    `dialled` is how it spells numbers, whose digits go into the braces.
    """
    loop = asyncio.get_running_loop()
    name = f"sipp{next(_call_ids)}"
    phones = []
    for _ in numbers:
        _, phone = await loop.create_datagram_endpoint(lambda: Phone(codec, packet_ms), local_addr=(source, 0))
        phones.append(phone)
    (folder / f"{name}.xml").write_text(scenario(name, steps, PAYLOAD_TYPES[codec], codec))
    callees = [f"{dialled.format(number[1:])};{phone.port};" for number, phone in zip(numbers, phones, strict=True)]
    (folder / f"{name}.csv").write_text("\n".join(["SEQUENTIAL", *callees, ""]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((source, 0))
        address = probe.getsockname()
    calls = str(len(numbers))
    process = await asyncio.create_subprocess_exec(
        *("sipp", "-m", calls, "-r", calls, "-l", calls, "-nostdin", "-timeout", "60s", "-timeout_error"),
        *("-i", source, "-p", str(address[1]), "-sf", f"{name}.xml", "-inf", f"{name}.csv"),
        *("-cid_str", f"%u-{name}", "-trace_err", "{}:{}".format(*product.sip)),
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        ids = [f"{index + 1}-{name}" for index in range(len(numbers))]
        yield SippCall(product, numbers, process, folder, address, ids, phones)
    finally:
        for phone in phones:
            phone.close()
        if process.returncode is None:
            process.kill()
            await process.wait()
