"""One call on the embedded plane: its audio in 20 ms blocks, its events, its end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

from baresip import AudioNotActive, AudioRestarted, BaresipError, Call, CallState, StackEvent

from oneinbox.contracts.media import BLOCK_BYTES, BLOCK_MS, AudioSink, LegEvent, MediaError

LEAD_BLOCKS = 3
"""Blocks kept ahead in the send ring: lockstep with the native clock gave gaps, 60 ms ahead gave none."""
MOST_HEARD_BLOCKS = 10
_SILENCE = bytes(BLOCK_BYTES)

_EVENTS: Mapping[str, LegEvent] = {
    "CALL_ESTABLISHED": LegEvent("established"),
    "CALL_HOLD": LegEvent("held"),
    "CALL_RESUME": LegEvent("resumed"),
}


class EmbeddedLeg:
    """A `CallLeg` on one baresip call. `tick` is called by the plane every 20 ms."""

    def __init__(self, call: Call, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self.over = False
        self._call = call
        self._sink: AudioSink | None = None
        self._live = False
        self._queue = bytearray()
        self._heard = bytearray()
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
        """BYE; harmless when the call is over."""
        await self._end(self._call.hangup)

    def attach(self, sink: AudioSink) -> None:
        """`sink` gets every block from now on."""
        self._sink = sink

    def play(self, pcm: bytes) -> None:
        """Queue audio."""
        self._queue += pcm

    def flush(self) -> int:
        """Drop what is queued here and in the native ring. Returns the samples dropped from the queue."""
        dropped = len(self._queue) // 2
        self._queue.clear()
        try:
            self._call.audio.flush_tx()
        except (AudioNotActive, AudioRestarted):
            return dropped
        return dropped

    @property
    def queued_samples(self) -> int:
        """Samples not yet handed to the ring."""
        return len(self._queue) // 2

    @property
    def lead_ms(self) -> int:
        """What is said is heard this much later: the send ring's depth."""
        return LEAD_BLOCKS * BLOCK_MS

    async def events(self) -> AsyncIterator[LegEvent]:
        """Everything that happens, up to and with `closed`."""
        while True:
            event = await self._events.get()
            yield event
            if event.kind == "closed":
                return

    def catch_up(self, events: Iterable[StackEvent]) -> None:
        """What happened to the call before this leg listened to it."""
        for event in events:
            self._on_event(event.event.name, event.text or "")

    def tick(self) -> None:
        """One block each way, however late the tick comes; the ring is filled up to its lead."""
        if not self._live:
            return
        said = self._said()
        try:
            audio = self._call.audio
            self._heard += audio.read(MOST_HEARD_BLOCKS * BLOCK_BYTES)
            for _ in range(LEAD_BLOCKS - (audio.info().tx_buffered + BLOCK_BYTES) // BLOCK_BYTES):
                audio.write(_SILENCE)
            audio.write(said)
        except (AudioNotActive, AudioRestarted):
            self._heard.clear()
        heard = bytes(self._heard[:BLOCK_BYTES]).ljust(BLOCK_BYTES, b"\0")
        del self._heard[: max(BLOCK_BYTES, len(self._heard) - MOST_HEARD_BLOCKS * BLOCK_BYTES)]
        if self._sink is not None:
            self._sink.block(heard, said)

    def _said(self) -> bytes:
        block = bytes(self._queue[:BLOCK_BYTES]).ljust(BLOCK_BYTES, b"\0")
        del self._queue[:BLOCK_BYTES]
        return block

    def _on_event(self, name: str, text: str) -> None:
        if name == "CALL_CLOSED" and not self.over:
            self.over, self._live = True, False
            self._events.put_nowait(LegEvent("closed", text))
        elif event := _EVENTS.get(name):
            self._live = True
            self._events.put_nowait(event)

    async def _end(self, how: Callable[[], Awaitable[None]]) -> None:
        if self.over or self._call.state is CallState.CLOSED:
            return
        try:
            await how()
        except BaresipError:
            self._on_event("CALL_CLOSED", "The call was over already.")
