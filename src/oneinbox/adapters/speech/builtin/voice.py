"""The built-in voice as LiveKit Agents want it."""

from livekit.agents import APIConnectOptions, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.utils import shortuuid

from oneinbox.adapters.speech.builtin.piper import RATE
from oneinbox.adapters.speech.builtin.synthesis import Synthesiser
from oneinbox.contracts.plan import TtsChoice

SILENCE = bytes(RATE * 2 // 50)


class BuiltinVoice:
    """Makes TTS objects that share one synthesiser; see contracts/speech.Voice."""

    def __init__(self, synthesiser: Synthesiser) -> None:
        self._synthesiser = synthesiser

    def __call__(self, choice: TtsChoice) -> tts.TTS[str]:
        return JoeTTS(self._synthesiser, choice.speed)


class JoeTTS(tts.TTS[str]):
    """Sentences come from the session's tokeniser; each is streamed as it is decoded."""

    def __init__(self, synthesiser: Synthesiser, speed: float) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=RATE, num_channels=1)
        self.synthesiser, self.speed = synthesiser, speed

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        """Sound of `text`; closing the stream stops the work within a chunk."""
        return Utterance(tts=self, input_text=text, conn_options=conn_options, spoken=self)


class Utterance(tts.ChunkedStream):
    """One text being said."""

    def __init__(self, *, tts: tts.TTS[str], input_text: str, conn_options: APIConnectOptions, spoken: JoeTTS) -> None:
        self._spoken = spoken
        super().__init__(tts=tts, input_text=input_text, conn_options=conn_options)

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=shortuuid(), sample_rate=RATE, num_channels=1, mime_type="audio/pcm", frame_size_ms=20
        )
        silent = True
        async for sound in self._spoken.synthesiser.stream(self._input_text, self._spoken.speed):
            silent = False
            output_emitter.push(sound)
        if silent:
            output_emitter.push(SILENCE)
        output_emitter.flush()
