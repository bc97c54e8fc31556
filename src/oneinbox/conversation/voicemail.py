"""Voicemail: the message, a beep, and the caller's words recorded and transcribed."""

import asyncio

import structlog
from livekit import rtc
from livekit.agents import APIConnectOptions, stt

from oneinbox.contracts.events import EndReason
from oneinbox.contracts.media import BLOCK_MS, BLOCK_SAMPLES, SAMPLE_RATE
from oneinbox.contracts.plan import VoicemailPlan
from oneinbox.contracts.speech import Speech
from oneinbox.conversation.announcement import Announcer, beep
from oneinbox.conversation.line import Ending, Line, audible
from oneinbox.conversation.turns import Turns

SILENCE_MS = 10_000
"""Silence after which nobody is assumed to speak any more."""
RESPONSIVENESS = 0.2
TRANSCRIPTION_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class VoicemailBox:
    """Records one message. The call's end during the recording is a message left, not a failure."""

    def __init__(self, plan: VoicemailPlan, line: Line, speech: Speech) -> None:
        self._plan = plan
        self._line = line
        self._turns = Turns(line, lambda text: None)
        self._recogniser: stt.STT[str] | None = None
        self._stream: stt.RecognizeStream | None = None
        self._heard_ms = 0
        self._quiet_ms = 0
        self._full = asyncio.Event()
        self._speech = speech

    async def greet(self, message_pcm: bytes) -> None:
        """Speak the message and beep."""
        self._line.recording = True
        announcer = Announcer(self._line)
        await announcer.say(self._plan.message, message_pcm)
        await announcer.play(beep())

    async def record(self) -> Ending:
        """Listen until the call is over, the time is up or nobody has spoken for 10 s; then transcribe."""
        self._open()
        self._line.ear = self
        await self._line.until_over(self._full.wait())
        self._line.ear = None
        await self._transcribe()
        return Ending(EndReason.VOICEMAIL)

    def block(self, heard: bytes, said: bytes) -> None:
        """One tick of the line."""
        if self._heard_ms == 0:
            self._turns.start_listening()
        if self._stream is not None:
            self._stream.push_frame(rtc.AudioFrame(heard, SAMPLE_RATE, 1, BLOCK_SAMPLES))
        self._heard_ms += BLOCK_MS
        self._quiet_ms = 0 if audible(heard) else self._quiet_ms + BLOCK_MS
        if self._heard_ms >= self._plan.max_seconds * 1000 or self._quiet_ms >= SILENCE_MS:
            self._full.set()

    def _open(self) -> None:
        """Start the recogniser; without one the recording alone is the message."""
        try:
            self._recogniser = self._speech.recogniser(self._plan.stt, responsiveness=RESPONSIVENESS)
            self._stream = self._recogniser.stream(conn_options=APIConnectOptions(max_retry=0))
        except Exception as error:  # noqa: BLE001 (a message without a transcript is still a message)
            _log.warning("voicemail_not_transcribed", reason=type(error).__name__)

    async def _transcribe(self) -> None:
        if self._stream is None or self._recogniser is None:
            return
        try:
            async with asyncio.timeout(TRANSCRIPTION_SECONDS):
                self._stream.end_input()
                async for event in self._stream:
                    self._turns.heard(event)
        except Exception as error:  # noqa: BLE001 (a message without a transcript is still a message)
            _log.warning("voicemail_not_transcribed", reason=type(error).__name__)
        self._turns.close_caller()
        await self._stream.aclose()
        await self._recogniser.aclose()
