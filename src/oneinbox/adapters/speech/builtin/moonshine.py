"""Moonshine tiny-en, English speech to text, straight on onnxruntime."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

Audio = npt.NDArray[np.float32]

RATE = 16000
_LAYERS, _HEADS, _WIDTH = 6, 8, 36
_BEGIN, _END = 1, 2
_TOKENS_PER_SECOND = 6.5
_SHORTEST = RATE // 10
_QUIETEST = 10 ** (-60 / 20)
_PAST = [
    f"past_key_values.{layer}.{side}.{kind}"
    for layer in range(_LAYERS)
    for side in ("decoder", "encoder")
    for kind in ("key", "value")
]


class Moonshine:
    """One recogniser; not to be shared by threads at the same moment."""

    def __init__(self, encoder: ort.InferenceSession, decoder: ort.InferenceSession, tokens: bytes) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._vocabulary = list(_vocabulary(tokens))

    def transcribe(self, audio: Audio) -> str:
        """The words in `audio` (mono at 16 kHz, -1 to 1); "" when there are none or the model got stuck in a loop."""
        if len(audio) < _SHORTEST or float(np.sqrt(np.mean(audio**2))) < _QUIETEST:
            return ""
        return speech_or_nothing(self._text(self._decode(audio.astype(np.float32)[None])))

    def _decode(self, audio: Audio) -> list[int]:
        mask = np.ones(audio.shape, np.int64)
        hidden = self._encoder.run(None, {"input_values": audio, "attention_mask": mask})[0]
        past = {name: _empty(0 if "decoder" in name else hidden.shape[1]) for name in _PAST}
        found: list[int] = []
        for step in range(int(audio.shape[1] / RATE * _TOKENS_PER_SECOND) + 4):
            feeds = {
                "input_ids": np.array([[found[-1] if found else _BEGIN]], np.int64),
                "encoder_hidden_states": hidden,
                "use_cache_branch": np.array([step > 0]),
                "encoder_attention_mask": mask,
            }
            logits, *grown = self._decoder.run(None, feeds | past)
            token = int(logits[0, -1].argmax())
            if token == _END:
                break
            found.append(token)
            past |= {name: grown[i] for i, name in enumerate(_PAST) if step == 0 or "decoder" in name}
        return found

    def _text(self, tokens: Sequence[int]) -> str:
        spelled = b"".join(self._vocabulary[token] for token in tokens if token > _END)
        return spelled.decode("utf-8", "replace").replace("\u2581", " ").strip()


class MoonshinePool:
    """A few recognisers behind as many threads: first come, first served."""

    def __init__(self, models: Sequence[Moonshine]) -> None:
        self._idle: SimpleQueue[Moonshine] = SimpleQueue()
        for model in models:
            self._idle.put(model)
        self._threads = ThreadPoolExecutor(len(models), thread_name_prefix="recogniser")

    def run(self, audio: Audio) -> str:
        """As `Moonshine.transcribe`, in this thread; waits for an idle recogniser."""
        model = self._idle.get()
        try:
            return model.transcribe(audio)
        finally:
            self._idle.put(model)

    async def transcribe(self, audio: Audio) -> str:
        """As `Moonshine.transcribe`, in one of the pool's threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.run, audio)


def speech_or_nothing(text: str) -> str:
    """`text`, or "" when it holds no letter or digit, or goes round in circles as the model does on noise."""
    words = re.findall(r"[\w']+", text.lower())
    if not words:
        return ""
    for length in range(1, 5):
        if len(words) >= 4 * length and words[-length:] * 4 == words[-4 * length :] and not words[-1].isdigit():
            return "" if len(words) < 6 * length or len(set(words)) <= length else _before_loop(text, length)
    return text


def _before_loop(text: str, length: int) -> str:
    words = text.split()
    last = [word.strip(".,!?").lower() for word in words[-length:]]
    end = len(words)
    while end >= length and [w.strip(".,!?").lower() for w in words[end - length : end]] == last:
        end -= length
    return " ".join(words[: end + length])


def _empty(length: int) -> Audio:
    return np.zeros((1, _HEADS, length, _WIDTH), np.float32)


def _vocabulary(blob: bytes) -> Iterator[bytes]:
    """Pieces by id: each is its length (one byte, or two with the high bit set) and that many bytes."""
    at = 0
    while at < len(blob):
        length = blob[at]
        at += 1
        if length >= 128:
            length = (length & 127) | (blob[at] << 7)
            at += 1
        yield blob[at : at + length]
        at += length
