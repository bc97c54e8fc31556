"""What the voice says over a telephone line is what a recogniser hears."""

import asyncio
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import soxr
from numpy.typing import NDArray

from oneinbox.adapters.speech.builtin.synthesis import Synthesiser

Sound = NDArray[np.float32]
HEADS, SIZE, LAYERS = 8, 36, 6
START, END, LONGEST = 1, 2, 80


def over_the_line(pcm: bytes) -> Sound:
    """8 kHz s16le through mu-law's curve in 8 bits (ITU-T G.711), then to 16 kHz."""
    sound = np.frombuffer(pcm, "<i2") / 32768
    code = np.round(np.sign(sound) * np.log1p(255 * np.abs(sound)) / np.log(256) * 127) / 127
    heard = np.sign(code) * (256 ** np.abs(code) - 1) / 255
    return np.asarray(soxr.resample(heard, 8000, 16000), np.float32)


def vocabulary(path: Path) -> list[bytes]:
    """Pieces of text in a file of lengths (one or two bytes) and bytes."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        length, at = data[at], at + 1
        if length >= 128:
            length, at = (length & 127) | (data[at] << 7), at + 1
        found.append(data[at : at + length])
        at += length
    return found


def recogniser() -> Callable[[Sound], str]:
    """Moonshine tiny, greedily."""
    spec = importlib.util.find_spec("moonshine_voice")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "assets" / "tiny-en"
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    encoder, decoder = (
        ort.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
        for name in ("encoder_model.ort", "decoder_model_merged.ort")
    )
    pieces = vocabulary(folder / "tokenizer.bin")
    names = [
        f"past_key_values.{layer}.{side}.{part}"
        for layer in range(LAYERS)
        for side in ("decoder", "encoder")
        for part in ("key", "value")
    ]

    def hear(sound: Sound) -> str:
        mask = np.ones((1, len(sound)), np.int64)
        hidden = encoder.run(None, {"input_values": sound[None], "attention_mask": mask})[0]
        past = {
            name: np.zeros((1, HEADS, 0 if "decoder" in name else hidden.shape[1], SIZE), np.float32) for name in names
        }
        tokens = [START]
        while tokens[-1] != END and len(tokens) < LONGEST:
            first = len(tokens) == 1
            given = {"input_ids": np.array([[tokens[-1]]], np.int64), "encoder_hidden_states": hidden}
            given |= {"use_cache_branch": np.array([not first]), "encoder_attention_mask": mask, **past}
            scores, *grown = decoder.run(None, given)
            tokens.append(int(scores[0, -1].argmax()))
            past |= {name: new for name, new in zip(names, grown, strict=True) if first or "decoder" in name}
        return b"".join(pieces[token] for token in tokens if token > END).decode().replace("\u2581", " ").lower()

    return hear


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    voice, hear = Synthesiser(tmp_path_factory.mktemp("voice")), recogniser()
    yield lambda text: hear(over_the_line(asyncio.run(voice.synthesise(text))))
    voice.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Thanks for calling the dental office, how can I help you today?", ("calling", "dental", "help", "today")),
        ("We are open Mon-Fri, 9 am to 5:30 pm.", ("open", "monday", "friday")),
        ("Our garden tools are in the warehouse behind the library.", ("garden", "tools", "warehouse", "library")),
        ("Your appointment with Dr. Johnson is on Tuesday.", ("appointment", "johnson", "tuesday")),
        ("Please leave a message after the tone.", ("leave", "message", "after", "tone")),
    ],
)
def test_key_words_survive_the_line(heard: Callable[[str], str], text: str, words: tuple[str, ...]) -> None:
    transcript = heard(text)
    missed = [word for word in words if word not in transcript]
    assert len(missed) <= 1, transcript
