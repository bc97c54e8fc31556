"""The speech ports: who makes the recogniser, the brain and the voice of one agent on one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from oneinbox.kit.errors import ProviderError

if TYPE_CHECKING:
    from livekit.agents import llm, stt, tts

    from oneinbox.contracts.plan import LlmChoice, SttChoice, TtsChoice


class ProviderNotConfigured(ProviderError):
    """The plan names a provider that this deployment can't reach: the chain goes on with the next agent."""

    code = "PROVIDER_NOT_CONFIGURED"


class Recogniser(Protocol):
    """Makes recognisers. The STT streams and decides turns itself: START_OF_SPEECH, FINAL_TRANSCRIPT, END_OF_SPEECH.

    An END_OF_SPEECH follows the FINAL_TRANSCRIPT of a turn when the turn is over (`turn_detection="stt"`).
    """

    def __call__(self, choice: SttChoice, *, responsiveness: float) -> stt.STT[str]: ...


class Brain(Protocol):
    """Makes brains: streaming LLMs."""

    def __call__(self, choice: LlmChoice) -> llm.LLM[str]: ...


class Voice(Protocol):
    """Makes voices: streaming TTS whose audio is mono PCM at the sample rate it declares."""

    def __call__(self, choice: TtsChoice) -> tts.TTS[str]: ...


class Speech(Protocol):
    """All of a deployment's speech, chosen by provider. Raises ProviderNotConfigured for one it can't reach."""

    def recogniser(self, choice: SttChoice, *, responsiveness: float) -> stt.STT[str]: ...

    def brain(self, choice: LlmChoice) -> llm.LLM[str]: ...

    def voice(self, choice: TtsChoice) -> tts.TTS[str]: ...


class Recorder(Protocol):
    """Writes one call's stereo recording: caller left, agent right."""

    def block(self, heard: bytes, said: bytes) -> None:
        """One block of each side, 20 ms of s16le mono at 8 kHz; never blocks."""
        ...

    async def finish(self) -> tuple[str, int]:
        """Complete the file. Returns its path below the recordings folder and its length in ms.

        When it is cancelled, no file stays.
        """
        ...

    async def discard(self) -> None:
        """Forget the recording and leave no file behind."""
        ...
