"""A call's stereo recording as Ogg/Opus on the local disk, encoded on the way in a thread pool."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVarTuple

import av
import numpy as np

from oneinbox.contracts.media import BLOCK_BYTES, SAMPLE_RATE
from oneinbox.kit.errors import ProviderError

_CHUNK_BYTES = 50 * BLOCK_BYTES

Args = TypeVarTuple("Args")


class RecordingFailed(ProviderError):
    """The recording could not be written; the call itself goes on."""

    code = "RECORDING_FAILED"


class OggRecorder:
    """Writes `<folder>/<workspace>/<call>.ogg`: caller left, agent right, shifted by the leg's `lead_ms`.

    After a failed write it keeps nothing more, and leaves no file behind; `finish` says so.
    """

    def __init__(self, folder: Path, workspace_id: str, call_id: str, pool: Executor, *, lead_ms: int = 0) -> None:
        self._name = f"{workspace_id}/{call_id}.ogg"
        self._path = folder / self._name
        self._part = self._path.with_suffix(".ogg.part")
        self._pool = pool
        self._lead = bytes(lead_ms * SAMPLE_RATE // 1000 * 2)
        self._left = bytearray()
        self._right = bytearray(self._lead)
        self._encoder: _Encoder | None = None
        self._tail: asyncio.Future[int] | None = None
        self._failure: Exception | None = None

    def block(self, heard: bytes, said: bytes) -> None:
        """One block of each side; never blocks."""
        if self._failure is not None:
            return
        self._left += heard
        self._right += said
        if len(self._left) >= _CHUNK_BYTES:
            self._submit()

    async def finish(self) -> tuple[str, int]:
        """Complete the file. Returns its path below the folder and its length in ms. Raises RecordingFailed.

        When it is cancelled, what there is is forgotten as soon as the disk lets it.
        """
        self._left += self._lead
        self._submit()
        completed = self._in_turn(self._complete)
        try:
            samples = await asyncio.shield(completed)
        except asyncio.CancelledError:
            self._in_turn(self._forget)
            raise
        if self._failure is not None:
            message = f"The recording could not be written to disk: {_cause(self._failure)}."
            raise RecordingFailed("local", message, retryable=False) from self._failure
        return self._name, samples * 1000 // SAMPLE_RATE

    async def discard(self) -> None:
        """Forget the recording and leave no file behind."""
        await self._in_turn(self._forget)

    def _submit(self) -> None:
        size = min(len(self._left), len(self._right))
        left, right = bytes(self._left[:size]), bytes(self._right[:size])
        del self._left[:size], self._right[:size]
        self._in_turn(self._encode, left, right)

    def _in_turn(self, work: Callable[[*Args], int], *args: *Args) -> asyncio.Future[int]:
        """The result of `work` in the pool, once all before it is done; 0 when the recording has failed."""
        self._tail = asyncio.ensure_future(self._after(self._tail, work, args))
        return self._tail

    async def _after(
        self, earlier: asyncio.Future[int] | None, work: Callable[..., int], args: tuple[object, ...]
    ) -> int:
        if earlier is not None:
            await asyncio.wait([earlier])
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._unless_failed, work, args)

    def _unless_failed(self, work: Callable[..., int], args: tuple[object, ...]) -> int:
        if self._failure is not None:
            return 0
        try:
            return work(*args)
        except (OSError, av.error.FFmpegError) as error:
            self._failure = error
            self._forget()
            return 0

    def _encode(self, left: bytes, right: bytes) -> int:
        if self._encoder is None:
            self._part.parent.mkdir(parents=True, exist_ok=True)
            self._encoder = _Encoder(self._part)
        self._encoder.write(left, right)
        return self._encoder.samples

    def _complete(self) -> int:
        assert self._encoder is not None
        self._encoder.close()
        self._part.rename(self._path)
        return self._encoder.samples

    def _forget(self) -> int:
        if self._encoder is not None:
            self._encoder.abandon()
        self._part.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)
        return 0


def _cause(error: Exception) -> str:
    """Without the path, which is nobody's business."""
    return (
        os.strerror(error.errno)
        if isinstance(error, OSError | av.error.FFmpegError) and error.errno
        else type(error).__name__
    )


class _Encoder:
    """One open Ogg/Opus file."""

    def __init__(self, path: Path) -> None:
        self.samples = 0
        self._container = av.open(str(path), "w", format="ogg")
        self._stream = self._container.add_stream(
            "libopus", rate=SAMPLE_RATE, options={"compression_level": "0", "b": "64000"}
        )
        self._stream.layout = "stereo"

    def write(self, left: bytes, right: bytes) -> None:
        sides = np.stack([np.frombuffer(left, "<i2"), np.frombuffer(right, "<i2")], axis=1)
        if not len(sides):
            return
        frame = av.AudioFrame.from_ndarray(sides.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self.samples
        self.samples += sides.shape[0]
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write the rest; the file is closed even when that fails."""
        try:
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def abandon(self) -> None:
        """Close the file, whatever becomes of it."""
        with contextlib.suppress(OSError, av.error.FFmpegError):
            self._container.close()
