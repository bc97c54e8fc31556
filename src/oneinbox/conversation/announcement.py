"""Sentences spoken without an agent: the voicemail message, and the words for when nothing works."""

import asyncio
from collections.abc import Iterable

import numpy as np
import structlog
from livekit import rtc
from livekit.agents import APIConnectOptions, tts

from oneinbox.contracts.events import Said
from oneinbox.contracts.media import BLOCK_MS, SAMPLE_RATE
from oneinbox.contracts.plan import TtsChoice
from oneinbox.contracts.speech import Speech
from oneinbox.conversation.line import Line
from oneinbox.conversation.speaker import Speaker

SYNTHESIS_SECONDS = 5.0
BEEP_HZ = 1000
BEEP_SECONDS = 0.4

_log = structlog.get_logger(__name__)


def beep() -> bytes:
    """The tone after which the caller may speak: 1 kHz, 0.4 s, at a quarter of full scale, with soft edges."""
    count = int(SAMPLE_RATE * BEEP_SECONDS)
    ramp = np.minimum(1.0, np.minimum(np.arange(count), np.arange(count)[::-1]) / 80)
    wave = np.sin(2 * np.pi * BEEP_HZ * np.arange(count) / SAMPLE_RATE) * ramp * 8192
    return wave.astype(np.int16).tobytes()


class Announcer:
    """An ear that only speaks."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._speaker = Speaker(line.leg)
        self._tail_ms = 0
        self._done = asyncio.Event()

    def block(self, heard: bytes, said: bytes) -> None:
        """One tick of the line; a sentence is over when its last block has reached the far side."""
        self._speaker.tick()
        if self._speaker.idle.is_set():
            self._tail_ms -= BLOCK_MS
            if self._tail_ms <= 0:
                self._done.set()

    async def play(self, pcm: bytes) -> None:
        """Play to the end."""
        self._done.clear()
        self._tail_ms = self._line.leg.lead_ms + BLOCK_MS
        self._speaker.push(pcm)
        self._speaker.seal()
        self._line.ear = self
        await self._done.wait()
        self._line.ear = None

    async def say(self, text: str, pcm: bytes) -> None:
        """Play a sentence and report it as said."""
        began_ms = self._line.now_ms
        await self.play(pcm)
        self._line.emit(Said(at_ms=began_ms, end_ms=self._line.now_ms, role="agent", text=text))


async def synthesise(text: str, choices: Iterable[TtsChoice], speech: Speech) -> bytes | None:
    """PCM of `text` by the first voice of `choices` that works; None when none does."""
    for choice in choices:
        try:
            async with asyncio.timeout(SYNTHESIS_SECONDS):
                voice = speech.voice(choice)
                pcm = await _collect(voice, text)
                await voice.aclose()
        except Exception as error:  # noqa: BLE001 (whatever a voice does, the next is tried)
            _log.warning("voice_failed", provider=choice.provider, reason=type(error).__name__)
            continue
        if pcm:
            return pcm
    return None


async def _collect(voice: tts.TTS[str], text: str) -> bytes:
    resampler = rtc.AudioResampler(voice.sample_rate, SAMPLE_RATE) if voice.sample_rate != SAMPLE_RATE else None
    parts: list[bytes] = []
    async with voice.synthesize(text, conn_options=APIConnectOptions(max_retry=0)) as stream:
        async for event in stream:
            frames = [event.frame] if resampler is None else resampler.push(event.frame)
            parts.extend(bytes(frame.data) for frame in frames)
    if resampler is not None:
        parts.extend(bytes(frame.data) for frame in resampler.flush())
    return b"".join(parts)
