"""The recorder, by decoding what it wrote."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest

from oneinbox.adapters.storage.local.recorder import OggRecorder, RecordingFailed

TONE = (8000 * np.sin(2 * np.pi * 440 * np.arange(160) / 8000)).astype("<i2").tobytes()
SILENCE = bytes(320)


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as file:
        frames = [np.asarray(f.to_ndarray(), dtype=np.float64) for f in file.decode(audio=0)]
        rate = file.streams.audio[0].rate
    assert rate == 48000
    return np.concatenate(frames, axis=1)


def test_caller_left_agent_right_shifted_by_the_lead(tmp_path: Path) -> None:
    async def record() -> tuple[str, int]:
        with ThreadPoolExecutor(2) as pool:
            recorder = OggRecorder(tmp_path, "w", "c", pool, lead_ms=60)
            for i in range(200):
                recorder.block(TONE if i < 50 else SILENCE, TONE if i >= 100 else SILENCE)
            return await recorder.finish()

    name, length = asyncio.run(record())
    assert (name, length) == ("w/c.ogg", 4060)
    sound = decoded(tmp_path / name)
    assert sound.shape[0] == 2
    assert abs(sound.shape[1] / 48 - 4060) < 30
    first = [int(np.argmax(np.abs(side) > 0.1 * np.abs(sound).max())) / 48 for side in sound]
    assert first[0] < 30
    assert abs(first[1] - 2060) < 30
    assert not list(tmp_path.rglob("*.part"))


def test_discard_leaves_no_file(tmp_path: Path) -> None:
    async def record() -> None:
        with ThreadPoolExecutor(1) as pool:
            recorder = OggRecorder(tmp_path, "w", "c", pool)
            for _ in range(60):
                recorder.block(TONE, TONE)
            await recorder.discard()

    asyncio.run(record())
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_full_disk_ends_the_recording_and_leaves_no_file_open(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "c.ogg.part").symlink_to("/dev/full")

    async def record() -> None:
        with ThreadPoolExecutor(1) as pool:
            recorder = OggRecorder(tmp_path, "w", "c", pool)
            for _ in range(3000):
                recorder.block(TONE, TONE)
            await recorder._tail
            for _ in range(3000):
                recorder.block(TONE, TONE)
            assert len(recorder._left) == 0
            await recorder.finish()

    with pytest.raises(RecordingFailed) as failure:
        asyncio.run(record())
    assert isinstance(failure.value.__cause__, OSError)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()]
    assert not [link for link in Path("/proc/self/fd").iterdir() if os.path.realpath(link) == "/dev/full"]


def test_who_gives_up_on_a_disk_that_hangs_leaves_no_file_once_it_goes_on(tmp_path: Path) -> None:
    goes_on = threading.Event()

    async def record(pool: ThreadPoolExecutor) -> None:
        recorder = OggRecorder(tmp_path, "w", "c", pool)
        for _ in range(120):
            recorder.block(TONE, TONE)
        await recorder._tail
        assert (tmp_path / "w" / "c.ogg.part").exists()
        pool.submit(goes_on.wait)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(recorder.finish(), 0.2)
        goes_on.set()
        await recorder._tail

    with ThreadPoolExecutor(1) as pool:
        asyncio.run(record(pool))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_made_fails_the_recording_only_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "w").write_text("in the way")

    async def record() -> None:
        with ThreadPoolExecutor(1) as pool:
            recorder = OggRecorder(tmp_path, "w", "c", pool)
            for _ in range(120):
                recorder.block(TONE, TONE)
                await asyncio.sleep(0)
            await recorder.finish()

    with pytest.raises(RecordingFailed):
        asyncio.run(record())
