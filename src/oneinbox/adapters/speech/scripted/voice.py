"""A voice that speaks tones: every word has its own, always the same."""

import asyncio
import zlib
from functools import lru_cache

import numpy as np
from livekit.agents import APIConnectionError, APIConnectOptions, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.utils import shortuuid

from oneinbox.contracts.media import SAMPLE_RATE
from oneinbox.contracts.plan import TtsChoice

WORD_SECONDS = 0.06
LEVEL = 6000
ERROR = "!error"
HANG = "!hang"


@lru_cache(maxsize=4096)
def tone(word: str, speed: float) -> bytes:
    """60 ms (at speed 1) of a tone between 300 and 1500 Hz that belongs to the word, as 16-bit PCM at 8 kHz."""
    hertz = 300 + zlib.crc32(word.casefold().encode()) % 1200
    count = int(SAMPLE_RATE * WORD_SECONDS / speed)
    wave = np.sin(2 * np.pi * hertz * np.arange(count) / SAMPLE_RATE) * LEVEL
    return wave.astype(np.int16).tobytes()


def speak(text: str, speed: float = 1.0) -> bytes:
    """The tones of a text's words, one after the other."""
    return b"".join(tone(word, speed) for word in text.split())


class ScriptedVoice:
    """Makes voices. The voice `!error` fails at the first word, the voice `!hang` never makes a sound."""

    def __call__(self, choice: TtsChoice) -> tts.TTS[str]:
        return _ScriptedTTS(choice)


class _ScriptedTTS(tts.TTS[str]):
    def __init__(self, choice: TtsChoice) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=True), sample_rate=SAMPLE_RATE, num_channels=1)
        self._choice = choice

    async def words(self, text: str) -> bytes:
        """The sound of a piece of text."""
        if self._choice.voice_id == ERROR:
            raise APIConnectionError("The script says that the voice breaks.", retryable=False)
        if self._choice.voice_id == HANG:
            await asyncio.Event().wait()
        return speak(text, self._choice.speed)

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Piece(tts=self, input_text=text, conn_options=conn_options)

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> tts.SynthesizeStream:
        return _Stream(tts=self, conn_options=conn_options)


class _Piece(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        assert isinstance(self._tts, _ScriptedTTS)
        pcm = await self._tts.words(self._input_text)
        output_emitter.initialize(
            request_id=shortuuid(), sample_rate=SAMPLE_RATE, num_channels=1, mime_type="audio/pcm"
        )
        output_emitter.push(pcm)
        output_emitter.flush()


class _Stream(tts.SynthesizeStream):
    """Speaks whole words as they come."""

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        assert isinstance(self._tts, _ScriptedTTS)
        output_emitter.initialize(
            request_id=shortuuid(), sample_rate=SAMPLE_RATE, num_channels=1, mime_type="audio/pcm", stream=True
        )
        output_emitter.start_segment(segment_id=shortuuid())
        rest = ""
        async for item in self._input_ch:
            if not isinstance(item, str):
                output_emitter.push(await self._tts.words(rest))
                rest = ""
                continue
            self._mark_started()
            head, space, rest = (rest + item).rpartition(" ")
            if space:
                output_emitter.push(await self._tts.words(head))
        if rest:
            output_emitter.push(await self._tts.words(rest))
        output_emitter.end_segment()
