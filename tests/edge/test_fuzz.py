"""Every input that ever raised, and the seeds of the fuzz targets, once more; then a little exploring by hypothesis."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.edge.fuzz import CORPUS, TARGETS

FILES = sorted(path for name in TARGETS for path in (CORPUS / name).iterdir())
SEEDS = {name: [path.read_bytes() for path in FILES if path.parent.name == name] for name in TARGETS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_corpus_raises_nothing(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_each_target_has_seeds(name: str) -> None:
    assert SEEDS[name]


CUT = st.tuples(st.integers(0, 4000), st.integers(0, 20), st.binary(max_size=12))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.sampled_from(sorted(TARGETS)), st.data(), st.lists(CUT, max_size=4))
def test_mutations_of_the_seeds_raise_nothing(
    name: str, data: st.DataObject, cuts: list[tuple[int, int, bytes]]
) -> None:
    seed = data.draw(st.sampled_from(SEEDS[name]))
    for place, gone, piece in cuts:
        where = place % (len(seed) + 1)
        seed = seed[:where] + piece + seed[where + gone :]
    TARGETS[name](seed)
