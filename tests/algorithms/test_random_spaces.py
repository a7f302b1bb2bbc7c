"""Every algorithm keeps to the space, whatever the space."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from keras_glove import algorithms
from keras_glove.algorithms import (
    NSGA2,
    Algorithm,
    Evolution,
    HillClimb,
    KPointCrossover,
    LocalSearch,
    Optuna,
    PerPoint,
    PolicyGradient,
    Random,
    RegularizedEvolution,
    Top,
    Tournament,
)
from keras_glove.algorithms.encodings import OneHot
from keras_glove.hyper import SearchSpace, floatv, intv, manyof, oneof, permutate
from keras_glove.testing.algorithms import drive

scales = st.sampled_from(["linear", "log", "reverse_log"])
numbers = st.one_of(
    st.builds(lambda low, more, scale: floatv(low, low + more, scale=scale),
              st.floats(1e-3, 10), st.floats(0.1, 100), scales),
    st.builds(lambda low, steps, step, scale: intv(low, low + steps * step, step=step, scale=scale),
              st.integers(1, 9), st.integers(1, 30), st.integers(1, 3), scales),
)  # fmt: skip


def several(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Programs that choose among, or hold, others."""
    some = st.lists(inner, min_size=1, max_size=4).map(lambda items: list(enumerate(items)))
    return st.one_of(
        some,
        some.map(oneof),
        some.map(permutate),
        st.builds(slots, some, st.integers(1, 3), st.booleans(), st.booleans()),
    )


def slots(items: list[Any], k: int, distinct: bool, sorted: bool) -> Any:
    most = len(items) if distinct else 3
    return manyof(min(k, most), items, distinct=distinct, sorted=sorted)


programs = st.recursive(st.one_of(st.integers(0, 9), numbers), several, max_leaves=12)
spaces = programs.map(SearchSpace).filter(lambda space: 0 < len(space) <= 60)

ALGORITHMS: list[Algorithm] = [
    Random(seed=0),
    RegularizedEvolution(4, 2, seed=0),
    Evolution(Tournament(2, count=2) >> KPointCrossover(2) >> PerPoint(), Top(4), 4, seed=0),
    HillClimb(3, seed=0),
    LocalSearch(2, seed=0),
    PolicyGradient(bins=3, entropy=0.1, seed=0),
    NSGA2(4, seed=0),
    Optuna("nsga2", {"population_size": 4}, seed=0),
]


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: type(algorithm).__name__)
@given(spaces)
@settings(max_examples=25, deadline=None)
def test_proposals_are_valid(algorithm: Algorithm, space: SearchSpace) -> None:
    fresh: Algorithm = eval(repr(algorithm), vars(algorithms))
    fresh.setup(space)
    for dna in drive(fresh, 14, lag=2, fail_every=5):
        space.validate(dna)


@given(spaces)
@settings(max_examples=50, deadline=None)
def test_features_tell_dna_apart(space: SearchSpace) -> None:
    drawn = list(dict.fromkeys(space.sample(20, seed=0)))
    rows = {tuple(row) for row in OneHot(space)(drawn).tolist()}
    assert len(rows) == len(drawn)
