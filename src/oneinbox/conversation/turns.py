"""The turns of an agent's conversation, in audio time: who spoke when, who owes whom, and how long the answer took."""

from collections.abc import Callable

from livekit.agents import stt

from oneinbox.contracts.events import Said, TurnMeasured
from oneinbox.contracts.media import BLOCK_MS
from oneinbox.conversation.audio import Utterance
from oneinbox.conversation.line import Line, audible


class Turns:
    """Turns the recogniser's events and the audio itself into `Said` and `TurnMeasured`."""

    def __init__(self, line: Line, spoken: Callable[[str], None]) -> None:
        self._line = line
        self._spoken = spoken
        self._origin_ms = 0
        self._texts: list[str] = []
        self._began_ms: int | None = None
        self._ended_ms = 0
        self._decided_ms = 0
        self._measuring = False
        self._turn = 0
        self.speaking_since_ms: int | None = None
        """Since when the caller has been speaking, None when they are silent."""
        self.owing_since_ms: int | None = None
        """Since when the agent owes the caller a sound."""
        self.llm_ttft_ms: int | None = None
        self.tts_ttfb_ms: int | None = None

    def start_listening(self) -> None:
        """The next frame opens the recogniser's stream: its clock starts here."""
        self._origin_ms = max(0, self._line.now_ms - BLOCK_MS)

    def heard(self, event: stt.SpeechEvent) -> None:
        """One event of the recogniser; `spoken` is called with the text of each finished turn of the caller."""
        now_ms = self._line.now_ms
        if event.type is stt.SpeechEventType.START_OF_SPEECH:
            if self.speaking_since_ms is None:
                self.speaking_since_ms = now_ms
        elif event.type is stt.SpeechEventType.FINAL_TRANSCRIPT and event.alternatives:
            self._final(event.alternatives[0], now_ms)
        elif event.type is stt.SpeechEventType.END_OF_SPEECH:
            self.speaking_since_ms = None
            self._decided_ms = now_ms
            self.close_caller()

    def close_caller(self) -> None:
        """Emit what the caller has said and nobody has reported yet."""
        text = " ".join(self._texts)
        if not text:
            return
        began_ms = self._ended_ms if self._began_ms is None else self._began_ms
        self._texts.clear()
        self._began_ms = None
        self._line.emit(Said(at_ms=began_ms, end_ms=self._ended_ms, role="user", text=text))
        self._spoken(text)

    def committed(self) -> None:
        """The caller's turn is over and gets an answer: from here on the agent owes a sound."""
        self._turn += 1
        self._measuring = True
        self.owing_since_ms = self._line.now_ms

    def asked(self) -> None:
        """The brain begins an answer, perhaps before the caller's turn is known to be over."""
        self.llm_ttft_ms = self.tts_ttfb_ms = None

    def agent_said(self, utterance: Utterance) -> None:
        """The agent's segment is over."""
        self._line.emit(
            Said(
                at_ms=utterance.started_ms,
                end_ms=utterance.ended_ms,
                role="agent",
                text=utterance.text,
                interrupted=utterance.interrupted,
            )
        )

    def block(self, said: bytes) -> None:
        """One block of what went out: the first sound pays the debt and ends the measurement."""
        if self.owing_since_ms is None or not audible(said):
            return
        self.owing_since_ms = None
        if not self._measuring:
            return
        self._measuring = False
        sounded_ms = self._line.now_ms - BLOCK_MS
        self._line.emit(
            TurnMeasured(
                at_ms=sounded_ms,
                turn=self._turn,
                perceived_ms=sounded_ms + self._line.leg.lead_ms - self._ended_ms,
                eou_delay_ms=max(0, self._decided_ms - self._ended_ms),
                llm_ttft_ms=self.llm_ttft_ms,
                tts_ttfb_ms=self.tts_ttfb_ms,
            )
        )

    def _final(self, data: stt.SpeechData, now_ms: int) -> None:
        if not data.text.strip():
            return
        self._texts.append(data.text.strip())
        self._ended_ms = min(self._origin_ms + round(data.end_time * 1000), now_ms) if data.end_time else now_ms
        if self._began_ms is None:
            began_ms = self._origin_ms + round(data.start_time * 1000) if data.end_time else self.speaking_since_ms
            self._began_ms = min(began_ms if began_ms is not None else now_ms, self._ended_ms)
