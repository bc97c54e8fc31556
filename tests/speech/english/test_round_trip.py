"""What the voice says over a telephone line is what a recogniser hears."""

import asyncio
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from oneinbox.adapters.speech.builtin.models import moonshine_pool
from oneinbox.adapters.speech.builtin.synthesis import Synthesiser

Sound = NDArray[np.float32]


def over_the_line(pcm: bytes) -> Sound:
    """8 kHz s16le through mu-law's curve in 8 bits (ITU-T G.711), then to 16 kHz."""
    sound = np.frombuffer(pcm, "<i2") / 32768
    code = np.round(np.sign(sound) * np.log1p(255 * np.abs(sound)) / np.log(256) * 127) / 127
    heard = np.sign(code) * (256 ** np.abs(code) - 1) / 255
    return np.asarray(soxr.resample(heard, 8000, 16000), np.float32)


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    voice = Synthesiser(tmp_path_factory.mktemp("voice"))
    yield lambda text: moonshine_pool().run(over_the_line(asyncio.run(voice.synthesise(text)))).lower()
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
