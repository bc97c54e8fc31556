"""Text to telephone sound on two threads, with what was said before kept ready."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from oneinbox.adapters.speech.builtin.english.speech import English
from oneinbox.adapters.speech.builtin.piper import RATE, Piper

PAUSE = bytes(RATE * 2 * 15 // 100)
KEPT_BYTES = 32 * 1024 * 1024


LEAD = 1.5
"""How much longer than the making of the last chunk what is at hand must sound, before it is let go."""
LONGEST_HELD = 0.5
"""Seconds of sound; a machine that has no breath left after these won't get it back, and the other side waits."""


class Held:
    """The beginning of a sentence is held until the rest will surely come in time: a word must not break in two.

    Chunks grow, and each takes at most twice as long as the one before; so what is heard first must last that long.
    On an idle machine that is the first chunk, on a busy one more.
    """

    def __init__(self) -> None:
        self._held = b""
        self._flows = False

    def until_it_flows(self, sound: bytes, took: float) -> bytes:
        """What may be heard now, given one more chunk and the seconds it took."""
        self._held += sound
        self._flows = self._flows or len(self._held) / (2 * RATE) >= min(LONGEST_HELD, LEAD * took)
        return self.rest() if self._flows else b""

    def rest(self) -> bytes:
        """What is held."""
        rest, self._held = self._held, b""
        return rest


class Synthesiser:
    """One per process, shared by all its calls; `load` before use."""

    def __init__(self, folder: Path | None = None, *, threads: int = 2, kept_bytes: int = KEPT_BYTES) -> None:
        self._english = English()
        self._piper = Piper(folder)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="voice")
        self._kept: OrderedDict[tuple[str, float], bytes] = OrderedDict()
        self._kept_bytes, self._room = 0, kept_bytes
        b"".join(self._piper.speak(self._english.sentences("Hello.")[0], 1.0))

    async def stream(self, text: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        """s16le mono at 8 kHz, sentence by sentence; stops within a chunk when it is closed."""
        for index, ipa in enumerate(self._english.sentences(text)):
            if index:
                yield PAUSE
            async for sound in self._sentence(ipa, speed):
                yield sound

    async def synthesise(self, text: str, speed: float = 1.0) -> bytes:
        """The whole text as s16le mono at 8 kHz."""
        return b"".join([sound async for sound in self.stream(text, speed)])

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _sentence(self, ipa: str, speed: float) -> AsyncIterator[bytes]:
        if (ready := self._kept.get((ipa, speed))) is not None:
            self._kept.move_to_end((ipa, speed))
            yield ready
            return
        held, said = Held(), []
        async for sound, took in self._timed(self._piper.speak(ipa, speed)):
            said.append(sound)
            if due := held.until_it_flows(sound, took):
                yield due
        if rest := held.rest():
            yield rest
        self._keep((ipa, speed), b"".join(said))

    async def _timed(self, chunks: Iterator[bytes]) -> AsyncIterator[tuple[bytes, float]]:
        """Each chunk and the seconds it was waited for, for a free thread too."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (sound := await loop.run_in_executor(self._pool, next, chunks, None)) is not None:
            yield sound, loop.time() - began
            began = loop.time()

    def _keep(self, key: tuple[str, float], sound: bytes) -> None:
        self._kept_bytes += len(sound) - len(self._kept.pop(key, b""))
        self._kept[key] = sound
        while self._kept_bytes > self._room:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])


def load(folder: Path | None = None) -> Synthesiser:
    """Reads the models and says a word, so that the first caller doesn't wait. Blocks for 1 to 3 s."""
    return Synthesiser(folder)
