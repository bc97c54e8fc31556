"""One call on the embedded plane: its audio in 20 ms blocks, its events, its end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

from baresip import BaresipError, Call, CallState, StackEvent

from oneinbox.adapters.media.embedded.ring import SILENCE, Hearing, Mouth
from oneinbox.contracts.media import BLOCK_MS, AudioSink, LegEvent, MediaError

_EVENTS: Mapping[str, LegEvent] = {
    "CALL_ESTABLISHED": LegEvent("established"),
    "CALL_HOLD": LegEvent("held"),
    "CALL_RESUME": LegEvent("resumed"),
}
_CAUSES: Mapping[str, str] = {
    "Connection reset by peer [104]": "The far side hung up.",
    "Rejected by user": "We hung up.",
    "Connection timed out [110]": "The far side didn't respond.",
    "rtp stream error": "No audio came from the far side any more.",
}


class EmbeddedLeg:
    """A `CallLeg` on one baresip call. `tick` is called by the plane every 20 ms."""

    def __init__(self, call: Call, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self.over = False
        self._call = call
        self._sink: AudioSink | None = None
        self._live = False
        self._held = False
        self._mouth = Mouth(call.audio)
        self._hearing = Hearing(call.audio)
        self._events: asyncio.Queue[LegEvent] = asyncio.Queue()
        call.on(lambda event: self._on_event(event.event.name, event.text or ""))
        call.on_dtmf(lambda digit: self._events.put_nowait(LegEvent("dtmf", digit.digit)))

    async def answer(self) -> None:
        """200 OK. Raises MediaError when the call is gone."""
        try:
            # Answering "with video" leaves an audio-only offer as it is and spares the unasked re-INVITE.
            await self._call.answer(video=True)
        except BaresipError as error:
            raise MediaError("embedded", "The call was gone before it could be answered.", retryable=False) from error

    async def reject(self) -> None:
        """486 before the answer."""
        await self._end(self._call.reject)

    async def hang_up(self) -> None:
        """BYE, or CANCEL before the answer; harmless when the call is over."""
        await self._end(self._call.hangup)

    def attach(self, sink: AudioSink) -> None:
        """`sink` gets every block from now on."""
        self._sink = sink

    def play(self, pcm: bytes) -> None:
        """Queue audio; while the far side holds the call, it waits."""
        self._mouth.queue += pcm

    def flush(self) -> int:
        """Drop what is queued here and in the engine. Returns the samples that will not be heard."""
        return self._mouth.flush()

    @property
    def queued_samples(self) -> int:
        """Samples not yet handed to the engine."""
        return len(self._mouth.queue) // 2

    @property
    def lead_ms(self) -> int:
        """What is said is heard this much later: the send ring's depth."""
        return self._mouth.lead_blocks * BLOCK_MS

    async def events(self) -> AsyncIterator[LegEvent]:
        """Everything that happens, up to and with `closed` or `lost`."""
        while True:
            event = await self._events.get()
            yield event
            if event.is_last:
                return

    def catch_up(self, events: Iterable[StackEvent]) -> None:
        """What happened to the call before this leg listened to it."""
        for event in events:
            self._on_event(event.event.name, event.text or "")

    def tick(self, owed: int) -> None:
        """One block each way. The tick came late, and `owed` more are due at once."""
        if not self._live:
            return
        heard = self._hearing.tick(owed)
        said = SILENCE if self._held else self._mouth.tick()
        if self._sink is not None:
            self._sink.block(heard, said)

    def lost(self, cause: str) -> None:
        """The engine can't carry the call any more."""
        self._finish(LegEvent("lost", cause))

    def _on_event(self, name: str, text: str) -> None:
        if name == "CALL_CLOSED":
            self._finish(LegEvent("closed", _CAUSES.get(text, text)))
        elif event := _EVENTS.get(name):
            self._live = True
            self._held = event.kind == "held"
            self._events.put_nowait(event)

    def _finish(self, event: LegEvent) -> None:
        if not self.over:
            self.over, self._live = True, False
            self._events.put_nowait(event)

    async def _end(self, how: Callable[[], Awaitable[None]]) -> None:
        if self.over or self._call.state is CallState.CLOSED:
            return
        try:
            await how()
        except BaresipError:
            self._finish(LegEvent("closed", "The call was over already."))
