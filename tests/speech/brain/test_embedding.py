"""Sentence embeddings: alike means near, alone or in company, in any thread."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from oneinbox.adapters.speech.builtin.embedding import Embedder
from oneinbox.adapters.speech.builtin.models import DATA, MINILM, embedder, session

HOURS = "What are your opening hours?"
LIKE_IT = "When are you open?"
UNLIKE_IT = "The cat sat on a blue sofa."


def test_vectors_are_unit_vectors_of_float32() -> None:
    vectors = embedder().embed([HOURS, LIKE_IT, UNLIKE_IT])
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)


def test_nothing_gives_no_vectors() -> None:
    assert embedder().embed([]).shape == (0, 384)


def test_sentences_that_mean_the_same_are_near() -> None:
    hours, like_it, unlike_it = embedder().embed([HOURS, LIKE_IT, UNLIKE_IT])
    assert hours @ like_it > 0.7
    assert hours @ unlike_it < 0.2


def test_a_vector_does_not_depend_on_its_company() -> None:
    fresh = Embedder(session(MINILM.locate()), DATA / "tokenizer.json")
    alone = fresh.embed([HOURS])[0]
    again = Embedder(session(MINILM.locate()), DATA / "tokenizer.json")
    assert np.array_equal(again.embed([UNLIKE_IT, "Yes.", HOURS])[2], alone)


def test_a_text_beyond_the_models_length_is_cut_and_not_refused() -> None:
    long = embedder().embed(["We are open from nine to five. " * 400])[0]
    assert np.linalg.norm(long) == pytest.approx(1, abs=1e-5)


def test_threads_get_the_same_vectors() -> None:
    sentences = [f"A haircut costs {price} dollars." for price in range(20)]
    fresh = Embedder(session(MINILM.locate()), DATA / "tokenizer.json")
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda sentence: fresh.embed([sentence])[0], sentences))
    assert np.array_equal(np.stack(together), embedder().embed(sentences))
