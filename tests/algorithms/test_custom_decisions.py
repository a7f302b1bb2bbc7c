"""Which algorithms take decision points of the user's own kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from keras_glove.algorithms import (
    Algorithm,
    Bananas,
    HillClimb,
    LocalSearch,
    Optuna,
    PolicyGradient,
    Random,
    RegularizedEvolution,
    Sweep,
)
from keras_glove.errors import SpaceError
from keras_glove.hyper import SearchSpace, evolve
from keras_glove.testing.algorithms import drive


def space() -> SearchSpace:
    return SearchSpace([evolve([1, 2], [lambda value, rng: [*value, int(rng.integers(9))]])])


@pytest.mark.parametrize("make", [Random, RegularizedEvolution, HillClimb])
def test_some_take_them(make: Callable[..., Algorithm]) -> None:
    algorithm, searched = make(seed=0), space()
    algorithm.setup(searched)
    assert len(set(drive(algorithm, 20))) > 1


@pytest.mark.parametrize("make", [Bananas, LocalSearch, Optuna, PolicyGradient, Sweep])
def test_the_others_say_so_before_they_begin(make: Callable[..., Algorithm]) -> None:
    with pytest.raises(SpaceError, match="a decision point of its own kind"):
        make(seed=0).setup(space())
