"""LiveKit's audio input and output on a call's line: no room between the leg and the session."""

from collections.abc import Callable
from dataclasses import dataclass

from livekit import rtc
from livekit.agents import utils
from livekit.agents.voice import io

from oneinbox.contracts.media import BLOCK_MS, BLOCK_SAMPLES, SAMPLE_RATE
from oneinbox.conversation.speaker import Played, Speaker
from oneinbox.kit.clock import Clock

CHARACTERS_PER_SECOND = 15
"""Of ordinary speech: an upper bound for how much of a text was heard while its audio is still being made."""


class CallerAudio(io.AudioInput):
    """What the caller says, one frame a block."""

    def __init__(self) -> None:
        super().__init__(label="line")
        self._frames = utils.aio.Chan[rtc.AudioFrame]()

    def push(self, heard: bytes) -> None:
        """One block from the line."""
        self._frames.send_nowait(rtc.AudioFrame(heard, SAMPLE_RATE, 1, BLOCK_SAMPLES))

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.recv()


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the agent said in one segment, as far as it was heard."""

    text: str
    started_ms: int
    ended_ms: int
    interrupted: bool


class AgentAudio(io.AudioOutput):
    """What the agent says. Every captured segment ends in one `on_playback_finished`, with the true position."""

    def __init__(
        self, speaker: Speaker, now_ms: Callable[[], int], said: Callable[[Utterance], None], clock: Clock
    ) -> None:
        super().__init__(label="line", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=SAMPLE_RATE)
        self._speaker = speaker
        self._now_ms = now_ms
        self._said = said
        self._clock = clock
        self._text = ""
        self._captured = 0.0
        self._complete = False
        self._muted = False
        self._started_ms: int | None = None

    @property
    def active(self) -> bool:
        """Whether a segment is being played or waits for more of its audio."""
        return not self._speaker.idle.is_set()

    def begin_text(self) -> None:
        """The text of the next segment follows."""
        self._text = ""

    def add_text(self, delta: str) -> None:
        """More text of the current segment."""
        self._text += delta

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Queue audio; waits while an earlier segment, already complete, is still being played."""
        if self._muted:
            return
        if self._complete:
            await self._speaker.idle.wait()
        await super().capture_frame(frame)
        if not self.active:
            self._captured = 0.0
            self._complete = False
            self._started_ms = None
        self._captured += frame.duration
        self._speaker.push(bytes(frame.data))

    def flush(self) -> None:
        """The segment has all its audio."""
        super().flush()
        self._muted = False
        if self.active:
            self._complete = True
            self._speaker.seal()

    def clear_buffer(self) -> None:
        """Barge-in: stop at once. What is captured until the next flush belongs to the segment that was cut."""
        if (played := self._speaker.cut()) is not None:
            self._muted = not self._complete
            self._finish(played)

    def tick(self) -> None:
        """Once a block."""
        if not self.active:
            return
        finished = self._speaker.tick()
        if self._started_ms is None and self._speaker.played_samples > 0:
            self._started_ms = self._now_ms() - BLOCK_MS
            self.on_playback_started(created_at=self._clock.now().timestamp())
        if finished is not None:
            self._finish(finished)

    def _finish(self, played: Played) -> None:
        seconds = min(played.seconds, self._captured)
        text = self._heard(seconds) if played.interrupted else self._text
        self._complete = False
        if self._started_ms is not None and text.strip():
            now_ms = self._now_ms()
            self._said(Utterance(text.strip(), self._started_ms, now_ms, played.interrupted))
        self.on_playback_finished(
            playback_position=seconds,
            interrupted=played.interrupted,
            synchronized_transcript=text if played.interrupted else None,
        )

    def _heard(self, seconds: float) -> str:
        """The words of the text that `seconds` of audio hold, by proportion."""
        share = seconds / self._captured if self._captured else 0.0
        count = int(len(self._text) * share)
        if not self._complete:
            count = min(count, int(seconds * CHARACTERS_PER_SECOND))
        if count >= len(self._text):
            return self._text
        head = self._text[:count]
        return head if self._text[count].isspace() else head.rpartition(" ")[0]
