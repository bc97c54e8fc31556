"""One agent of the chain on the call: a LiveKit session on the line's audio, with the limits that the plan sets it."""

import asyncio
from collections.abc import AsyncIterable
from contextlib import aclosing

import structlog
from livekit import rtc
from livekit.agents import Agent, AgentSession, APIConnectOptions, ErrorEvent, ModelSettings, llm, stt
from livekit.agents.llm import ChatContext, ChatMessage
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.turn import InterruptionOptions

from oneinbox.contracts.events import AgentStarted, EndReason
from oneinbox.contracts.media import BLOCK_MS
from oneinbox.contracts.plan import AgentPlan
from oneinbox.contracts.speech import Speech
from oneinbox.conversation.audio import AgentAudio, CallerAudio
from oneinbox.conversation.line import Ending, Line, audible
from oneinbox.conversation.phrases import contains_phrase
from oneinbox.conversation.speaker import Speaker
from oneinbox.conversation.turns import Turns
from oneinbox.kit.clock import Clock
from oneinbox.kit.errors import ProviderError

NO_AUDIO_MS = 15_000
CLOSE_SECONDS = 1.0
PATIENT_SPEECH_MS = 800
SPEECH_PEAK = 500
"""Of 16-bit samples: below lies the noise between a caller's words."""
_CONNECT = APIConnectOptions(max_retry=1, retry_interval=0.2, timeout=10.0)

_log = structlog.get_logger(__name__)


def barge_in_ms(sensitivity: float) -> int | None:
    """How long the caller must speak to cut the agent: 0 ms at 1.0, 400 at 0.5, 800 near 0; None: never, at 0."""
    return round((1 - sensitivity) * PATIENT_SPEECH_MS) if sensitivity > 0 else None


def interruption(sensitivity: float) -> InterruptionOptions:
    """LiveKit's side of barge-in, by recognised words: one from 0.5 up, two below, three below 0.25, never at 0."""
    words = 0 if sensitivity >= 0.5 else 2 if sensitivity >= 0.25 else 3
    return {
        "enabled": sensitivity > 0,
        "mode": "vad",
        "min_words": words,
        "resume_false_interruption": False,
        "discard_audio_if_uninterruptible": True,
    }


class _Voice(Agent):
    """LiveKit's agent, with an ear on what passes through its nodes."""

    def __init__(self, plan: AgentPlan, turns: Turns, output: AgentAudio, clock: Clock) -> None:
        super().__init__(instructions=plan.system_prompt)
        self._turns = turns
        self._output = output
        self._clock = clock

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterable[stt.SpeechEvent]:
        async with aclosing(Agent.default.stt_node(self, self._opened(audio), model_settings)) as events:
            async for event in events:
                self._turns.heard(event)
                yield event

    async def _opened(self, audio: AsyncIterable[rtc.AudioFrame]) -> AsyncIterable[rtc.AudioFrame]:
        first = True
        async for frame in audio:
            if first:
                self._turns.start_listening()
                first = False
            yield frame

    async def llm_node(
        self, chat_ctx: ChatContext, tools: list[llm.Tool], model_settings: ModelSettings
    ) -> AsyncIterable[llm.ChatChunk | str]:
        asked = self._clock.monotonic()
        waiting = True
        self._turns.asked()
        async with aclosing(Agent.default.llm_node(self, chat_ctx, tools, model_settings)) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, llm.ChatChunk) and waiting and chunk.has_response():
                    self._turns.llm_ttft_ms = round((self._clock.monotonic() - asked) * 1000)
                    waiting = False
                if isinstance(chunk, llm.ChatChunk | str):
                    yield chunk

    async def tts_node(self, text: AsyncIterable[str], model_settings: ModelSettings) -> AsyncIterable[rtc.AudioFrame]:
        asked: float | None = None
        waiting = True

        async def timed() -> AsyncIterable[str]:
            nonlocal asked
            async for delta in text:
                asked = self._clock.monotonic() if asked is None else asked
                yield delta

        async with aclosing(Agent.default.tts_node(self, timed(), model_settings)) as frames:
            async for frame in frames:
                if waiting and asked is not None:
                    self._turns.tts_ttfb_ms = round((self._clock.monotonic() - asked) * 1000)
                    waiting = False
                yield frame

    async def transcription_node(self, text: AsyncIterable[str], model_settings: ModelSettings) -> AsyncIterable[str]:
        self._output.begin_text()
        async for delta in text:
            self._output.add_text(delta)
            yield delta

    async def on_user_turn_completed(self, turn_ctx: ChatContext, new_message: ChatMessage) -> None:
        self._turns.committed()


class AgentOnCall:
    """An agent that serves until it fails; what ends the call it tells the line."""

    def __init__(self, plan: AgentPlan, line: Line, speech: Speech, clock: Clock) -> None:
        self._plan = plan
        self._line = line
        self._caller = CallerAudio()
        self._turns = Turns(line, self._spoken)
        self._output = AgentAudio(Speaker(line.leg), lambda: line.now_ms, self._turns.agent_said, clock)
        self._models = (
            speech.recogniser(plan.stt, responsiveness=plan.responsiveness),
            speech.brain(plan.llm),
            speech.voice(plan.tts),
        )
        self._voice = _Voice(plan, self._turns, self._output, clock)
        self._session = self._new_session()
        self._barge_in_ms = barge_in_ms(plan.interruption_sensitivity)
        self._quiet_ms = 0
        self._over_ms = 0
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def serve(self) -> str:
        """Talk with the caller until something fails; returns what, in plain words. Cancelled when the call is over."""
        self._line.recording = self._plan.enable_recording
        self._session.on("error", self._on_error)
        try:
            await self._session.start(self._voice, record=False)
            self._line.emit(AgentStarted(at_ms=self._line.now_ms, agent_id=self._plan.agent_id))
            self._line.ear = self
            if self._plan.first_message:
                self._turns.owing_since_ms = self._line.now_ms
                self._session.say(self._plan.first_message)
            return await self._failed
        finally:
            self._output.clear_buffer()
            self._turns.close_caller()
            self._line.ear = None
            await self._close()

    def block(self, heard: bytes, said: bytes) -> None:
        """One tick of the line."""
        self._caller.push(heard)
        self._output.tick()
        self._turns.block(said)
        self._barge_in(heard)
        self._limits()

    def _new_session(self) -> AgentSession[None]:
        recogniser, brain, voice = self._models
        session: AgentSession[None] = AgentSession(
            stt=recogniser,
            llm=brain,
            tts=voice,
            vad=None,
            turn_handling={
                "turn_detection": "stt",
                "endpointing": {"mode": "fixed", "min_delay": 0.0, "max_delay": 0.0},
                "interruption": interruption(self._plan.interruption_sensitivity),
                "preemptive_generation": {"enabled": True, "preemptive_tts": True},
            },
            aec_warmup_duration=None,
            user_away_timeout=None,
            session_close_transcript_timeout=0.0,
            conn_options=SessionConnectOptions(
                stt_conn_options=_CONNECT, llm_conn_options=_CONNECT, tts_conn_options=_CONNECT
            ),
        )
        session.input.audio = self._caller
        session.output.audio = self._output
        return session

    def _spoken(self, text: str) -> None:
        if contains_phrase(text, self._plan.end_call_phrases):
            self._line.end(Ending(EndReason.END_CALL_PHRASE))

    def _barge_in(self, heard: bytes) -> None:
        """Count the caller's speech over the agent's, without its pauses, and cut the agent when it is enough."""
        if self._barge_in_ms is None or self._turns.speaking_since_ms is None or not self._output.active:
            self._over_ms = 0
            return
        if audible(heard, SPEECH_PEAK):
            self._over_ms += BLOCK_MS
        if self._over_ms >= self._barge_in_ms:
            self._session.interrupt()
            self._output.clear_buffer()

    def _limits(self) -> None:
        if self._line.now_ms >= self._plan.max_duration_seconds * 1000:
            self._line.end(Ending(EndReason.MAX_DURATION))
        owing = self._turns.owing_since_ms
        if owing is not None:
            if self._line.now_ms - owing >= NO_AUDIO_MS:
                self._fail("No audio came from the agent within 15 seconds.")
        elif self._turns.speaking_since_ms is not None or self._output.active:
            self._quiet_ms = 0
        elif not self._line.held:
            self._quiet_ms += BLOCK_MS
            if 0 < self._plan.silence_timeout_seconds * 1000 <= self._quiet_ms:
                self._line.end(Ending(EndReason.SILENCE_TIMEOUT))

    def _on_error(self, event: ErrorEvent) -> None:
        error = event.error
        if getattr(error, "recoverable", True):
            return
        cause = getattr(error, "error", error)
        self._fail(str(cause) if isinstance(cause, ProviderError) else f"{error.type}: {type(cause).__name__}")

    def _fail(self, reason: str) -> None:
        if not self._failed.done():
            self._failed.set_result(reason)

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._session.aclose()
                for model in self._models:
                    await model.aclose()
        except Exception as error:  # noqa: BLE001 (a vendor's failing farewell changes nothing for the caller)
            _log.warning("session_close_failed", agent_id=self._plan.agent_id, reason=type(error).__name__)
