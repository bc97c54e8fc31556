"""Text to telephone sound on two threads, with what was said before kept ready."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from oneinbox.adapters.speech.builtin.english.speech import English
from oneinbox.adapters.speech.builtin.piper import RATE, Piper

PAUSE = bytes(RATE * 2 * 15 // 100)
KEPT_BYTES = 32 * 1024 * 1024


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

    async def prepare(self, texts: Iterable[str], speed: float = 1.0) -> None:
        """Says the texts into the store, so that they start at once later."""
        for text in texts:
            await self.synthesise(text, speed)

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _sentence(self, ipa: str, speed: float) -> AsyncIterator[bytes]:
        if (ready := self._kept.get((ipa, speed))) is not None:
            self._kept.move_to_end((ipa, speed))
            yield ready
            return
        loop = asyncio.get_running_loop()
        chunks, said = self._piper.speak(ipa, speed), []
        while (sound := await loop.run_in_executor(self._pool, next, chunks, None)) is not None:
            if sound:
                said.append(sound)
                yield sound
        self._keep((ipa, speed), b"".join(said))

    def _keep(self, key: tuple[str, float], sound: bytes) -> None:
        self._kept_bytes += len(sound) - len(self._kept.pop(key, b""))
        self._kept[key] = sound
        while self._kept_bytes > self._room:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])


def load(folder: Path | None = None) -> Synthesiser:
    """Reads the models and says a word, so that the first caller doesn't wait. Blocks for 1 to 3 s."""
    return Synthesiser(folder)
