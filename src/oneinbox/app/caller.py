"""A real SIP caller: rings a number, listens, speaks when the far side is done, and times the answers by waveform."""

import asyncio
import contextlib
import re
import wave
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from oneinbox.adapters.media.embedded import EmbeddedPlane
from oneinbox.adapters.speech.builtin import models, synthesis
from oneinbox.adapters.speech.builtin.listening import Listener, Utterance
from oneinbox.contracts.media import BLOCK_SAMPLES, SAMPLE_RATE, CallLeg, OutboundTrunk
from oneinbox.kit.clock import Clock
from oneinbox.kit.errors import OneInboxError

AUDIBLE = 200
"""Peak of 16-bit samples from which a block counts as sound, on both sides."""
CALLER_NUMBER = "+12025550123"
RTP_PORTS = (20000, 20998)
_PER_MS = SAMPLE_RATE // 1000
_LISTENERS_TOLERANCE = SAMPLE_RATE // 2
_WORDLESS = 3 * SAMPLE_RATE

_STATUS = re.compile(r"(\d{3}) ?(.*)")


class AudioUnreadable(OneInboxError):
    """A file to be spoken can't be read as audio."""

    code = "AUDIO_UNREADABLE"


class NotAnswered(OneInboxError):
    """The call never came about; `sip_status` is what the far side said, None when it said nothing."""

    code = "CALL_NOT_ANSWERED"

    def __init__(self, sip_status: int | None, reason: str) -> None:
        super().__init__(reason)
        self.sip_status, self.reason = sip_status, reason


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a caller waits, in seconds."""

    ring: float = 30.0
    """For the answer of the call."""
    silence: float = 15.0
    """For the far side to begin."""
    settle: float = 1.0
    """Of silence, until the far side counts as done."""
    stay: float = 0.0
    """Listening on after the last answer."""
    total: float = 600.0
    """For the whole conversation."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the far side said after the caller: times in ms since the call was answered, by waveform."""

    said_until_ms: int
    """When the caller's last sound was on the line; 0 for the greeting."""
    answer_from_ms: int | None
    """When the far side's first sound after it was heard; None without an answer."""
    utterances: tuple[Utterance, ...]

    @property
    def latency_ms(self) -> int | None:
        """From the end of the caller's speech to the start of the answer."""
        return None if self.answer_from_ms is None else self.answer_from_ms - self.said_until_ms

    @property
    def text(self) -> str:
        """The answer's words."""
        return " ".join(utterance.text for utterance in self.utterances)


@dataclass(frozen=True, slots=True)
class CallReport:
    """How a call went. `turns` begins with the greeting; times in ms."""

    answered: bool
    status: int | None
    reason: str
    answered_after_ms: int | None = None
    turns: tuple[Turn, ...] = ()
    utterances: tuple[Utterance, ...] = ()

    @property
    def first_audio_after_ms(self) -> int | None:
        """From the answer to the far side's first sound."""
        return self.turns[0].answer_from_ms if self.turns else None


@dataclass(slots=True)
class _Track:
    """One side's audio since the answer, and which of its blocks have sound."""

    pcm: bytearray = field(default_factory=bytearray)
    loud: list[bool] = field(default_factory=list)

    @property
    def now(self) -> int:
        """Samples so far."""
        return len(self.loud) * BLOCK_SAMPLES

    def add(self, block: bytes) -> None:
        self.pcm += block
        self.loud.append(bool(np.abs(np.frombuffer(block, "<i2").astype(np.int32)).max() >= AUDIBLE))

    def onset(self, since: int) -> int | None:
        """The sample at which the first sound of two blocks or more begins at or after `since`."""
        for index in range(-(-since // BLOCK_SAMPLES), len(self.loud) - 1):
            before = self.loud[index - 1] if index else False
            if self.loud[index] and self.loud[index + 1] and not before:
                return index * BLOCK_SAMPLES + int(np.argmax(self._audible(index)))
        return None

    def end(self, since: int) -> int:
        """The sample after the last sound since `since`, which it is when there is none."""
        for index in range(len(self.loud) - 1, since // BLOCK_SAMPLES - 1, -1):
            if self.loud[index]:
                return max(since, index * BLOCK_SAMPLES + int(np.flatnonzero(self._audible(index))[-1]) + 1)
        return since

    def _audible(self, index: int) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        block = np.frombuffer(self.pcm, "<i2", BLOCK_SAMPLES, index * BLOCK_SAMPLES * 2).astype(np.int32)
        return np.abs(block) >= AUDIBLE


class Conversation:
    """The caller's side of an answered call. `say` and `listen` are used one after the other."""

    def __init__(self, leg: CallLeg, listener: Listener, on_utterance: Callable[[Utterance], None], limits: Limits):
        self.answered_after_ms = 0
        self.over = False
        """Whether the far side has hung up."""
        self.utterances: list[Utterance] = []
        self.limits = limits
        self._leg = leg
        self._listener = listener
        self._on_utterance = on_utterance
        self._heard, self._said = _Track(), _Track()
        self._attended = 0
        self._unheard = bytearray()
        self._news = asyncio.Event()
        self._block_come = asyncio.Event()

    def block(self, heard: bytes, said: bytes) -> None:
        """One tick of the line."""
        self._heard.add(heard)
        self._said.add(said)
        self._unheard += heard
        self._block_come.set()
        self._news.set()

    def closed(self) -> None:
        """The call is over."""
        self.over = True
        self._block_come.set()
        self._news.set()

    async def listen(self, seconds: float | None = None) -> Turn:
        """Wait until the far side has said something more, or for `seconds` (the silence limit) without a sound."""
        return await self._answer(self._attended, self.limits.silence if seconds is None else seconds)

    async def say(self, pcm: bytes) -> Turn:
        """Speak (s16le mono at 8 kHz) and wait until the answer has ended."""
        began = self._said.now
        self._leg.play(pcm)
        await self._block()
        while self._leg.queued_samples and not self.over:
            await self._block()
        return await self._answer(self._said.end(began) + self._leg.lead_ms * _PER_MS, self.limits.silence)

    async def stay(self, seconds: float) -> None:
        """Listen on, saying nothing."""
        until = self._heard.now + seconds * SAMPLE_RATE
        while self._heard.now < until and not self.over:
            await self._block()

    async def hear(self) -> None:
        """Write down what is heard, until the call is over."""
        while not self.over or self._unheard:
            await self._block_come.wait()
            self._block_come.clear()
            heard = bytes(self._unheard)
            self._unheard.clear()
            self._note(await asyncio.to_thread(self._listener.feed, heard))
        self._note(await asyncio.to_thread(self._listener.finish))

    def save(self, path: Path) -> None:
        """The audio so far as a WAV file: caller left, far side right, as they were on the line."""
        left = np.frombuffer(bytes(self._leg.lead_ms * _PER_MS * 2) + self._said.pcm, "<i2")
        right = np.frombuffer(bytes(self._heard.pcm), "<i2")
        sides = np.zeros((max(len(left), len(right)), 2), "<i2")
        sides[: len(left), 0], sides[: len(right), 1] = left, right
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(sides.tobytes())

    def _note(self, utterances: Iterable[Utterance]) -> None:
        for utterance in utterances:
            self.utterances.append(utterance)
            self._on_utterance(utterance)
            self._news.set()

    async def _block(self) -> None:
        await self._news.wait()
        self._news.clear()

    async def _answer(self, since: int, silence: float) -> Turn:
        while not self.over and not self._done(since, silence):
            await self._block()
        self._attended = self._heard.now
        onset = self._heard.onset(since)
        heard = tuple(said for said in self.utterances if said.end_ms * _PER_MS > since)
        return Turn(since // _PER_MS, None if onset is None else onset // _PER_MS, heard)

    def _done(self, since: int, silence: float) -> bool:
        if self._heard.onset(since) is None:
            return self._heard.now - since >= silence * SAMPLE_RATE
        last = self._heard.end(since)
        quiet = self._heard.now - last
        written = bool(self.utterances) and self.utterances[-1].end_ms * _PER_MS >= last - _LISTENERS_TOLERANCE
        return quiet >= (self.limits.settle * SAMPLE_RATE if written else _WORDLESS)


@contextlib.asynccontextmanager
async def calling(
    number: str,
    *,
    target: tuple[str, int],
    host: str,
    clock: Clock,
    rtp_ports: tuple[int, int] = RTP_PORTS,
    caller: str = CALLER_NUMBER,
    limits: Limits = Limits(),
    on_utterance: Callable[[Utterance], None] = lambda _: None,
) -> AsyncIterator[Conversation]:
    """A call to `number` at the SIP edge `target` (host, port), answered; it is hung up when the block is left.

    Audio runs over the address `host`. Raises NotAnswered, and MediaError when no call can be placed from here.
    One at a time in a process.
    """
    listener = await asyncio.to_thread(_ready_listener)
    plane = EmbeddedPlane(host, rtp_ports, clock.monotonic)
    await plane.start(_refuse)
    try:
        trunk = OutboundTrunk("caller", "", caller, "", f"{target[0]}:{target[1]}", "", "")
        rang = clock.monotonic()
        leg = await plane.dial(trunk, number, {})
        conversation = Conversation(leg, listener, on_utterance, limits)
        leg.attach(conversation)
        await _answered(leg, limits.ring)
        conversation.answered_after_ms = round((clock.monotonic() - rang) * 1000)
        async with asyncio.TaskGroup() as group:
            group.create_task(_follow(leg, conversation), name="caller's leg")
            group.create_task(conversation.hear(), name="caller's ear")
            try:
                yield conversation
            finally:
                await leg.hang_up()
    finally:
        await plane.close()


async def call(
    number: str,
    *,
    speak: Sequence[bytes],
    target: tuple[str, int],
    host: str,
    clock: Clock,
    rtp_ports: tuple[int, int] = RTP_PORTS,
    out: Path | None = None,
    on_utterance: Callable[[Utterance], None] = lambda _: None,
    limits: Limits = Limits(),
) -> CallReport:
    """Call `number`, let the far side greet, say each of `speak` (s16le mono at 8 kHz) once it is done, hang up.

    `out` gets the audio as a stereo WAV. As `calling` otherwise, but a call that isn't answered is a report too.
    """
    turns: list[Turn] = []
    conversation: Conversation | None = None
    try:
        async with calling(
            number,
            target=target,
            host=host,
            clock=clock,
            rtp_ports=rtp_ports,
            limits=limits,
            on_utterance=on_utterance,
        ) as conversation:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limits.total):
                    await _talk(conversation, speak, turns)
    except NotAnswered as refusal:
        return CallReport(False, refusal.sip_status, refusal.reason)
    finally:
        if out is not None and conversation is not None:
            conversation.save(out)
    answered_after = conversation.answered_after_ms
    return CallReport(True, 200, "OK", answered_after, tuple(turns), tuple(conversation.utterances))


def read_audio(path: Path) -> bytes:
    """A sound file of any format, rate and channels as s16le mono at 8 kHz. Raises AudioUnreadable."""
    resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
    try:
        with av.open(str(path)) as file:
            frames = [part for frame in file.decode(audio=0) for part in resampler.resample(frame)]
            frames += resampler.resample(None)
    except (OSError, IndexError, av.error.FFmpegError) as error:
        raise AudioUnreadable(f"{path} can't be read as audio.") from error
    return b"".join(frame.to_ndarray().astype("<i2").tobytes() for frame in frames)


async def speech_of(texts: Sequence[str], folder: Path | None = None) -> list[bytes]:
    """Each text in the builtin voice, s16le mono at 8 kHz.

    Loads the voice, which is quicker from a `folder` that a voice worker has prepared; nothing is written there.
    """
    voice = await asyncio.to_thread(_voice, folder)
    try:
        return [await voice.synthesise(text) for text in texts]
    finally:
        voice.close()


def _voice(folder: Path | None) -> synthesis.Synthesiser:
    prepared = folder is not None and any(folder.glob("*.split.json"))
    return synthesis.load(folder if prepared else None)


async def _talk(conversation: Conversation, speak: Sequence[bytes], turns: list[Turn]) -> None:
    turns.append(await conversation.listen())
    for pcm in speak:
        if conversation.over:
            return
        turns.append(await conversation.say(pcm))
    await conversation.stay(conversation.limits.stay)


async def _answered(leg: CallLeg, seconds: float) -> None:
    """Raises NotAnswered unless the far side answers within `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            event = await anext(aiter(leg.events()))
    except TimeoutError:
        await leg.hang_up()
        raise NotAnswered(None, f"Nobody answered within {seconds:g} s.") from None
    if event.kind != "established":
        said = _STATUS.match(event.detail)
        raise NotAnswered(int(said[1]) if said else None, said[2] if said else event.detail)


async def _follow(leg: CallLeg, conversation: Conversation) -> None:
    async for _ in leg.events():
        pass
    conversation.closed()


async def _refuse(leg: CallLeg) -> None:
    await leg.reject()


def _ready_listener() -> Listener:
    models.moonshine_pool().run(np.random.default_rng(0).normal(0, 0.1, 2 * SAMPLE_RATE).astype(np.float32))
    return Listener()
