"""Sentence embeddings by all-MiniLM-L6-v2 (int8) on onnxruntime."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from tokenizers import Tokenizer

Vectors = npt.NDArray[np.float32]

LONGEST = 256
"""Word pieces that the model was trained on; what follows them is not looked at."""
REMEMBERED = 4096
"""So many sentences are embedded once only, 6 MB."""


class Embedder:
    """Turns sentences into unit vectors whose dot product is their likeness; any thread may ask."""

    def __init__(self, session: ort.InferenceSession, tokenizer: Path) -> None:
        self._session = session
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(LONGEST)
        self._known = lru_cache(maxsize=REMEMBERED)(self._one)

    def embed(self, sentences: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(sentences), 384), float32."""
        if not sentences:
            return np.zeros((0, 384), np.float32)
        return np.stack([self._known(sentence) for sentence in sentences])

    def _one(self, sentence: str) -> Vectors:
        # One by one: with int8 weights a vector would otherwise depend on its neighbours in the batch.
        ids = np.array([self._tokenizer.encode(sentence).ids], np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, feeds)[0][0]
        mean = hidden.mean(axis=0)
        vector: Vectors = (mean / np.linalg.norm(mean)).astype(np.float32)
        return vector
