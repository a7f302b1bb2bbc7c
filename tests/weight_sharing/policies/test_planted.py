"""Each policy finds the branch that can fit the target, at the cost that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest

from keras_glove.weight_sharing.policies import (
    DARTS,
    ENAS,
    GDAS,
    FairNAS,
    Policy,
    ProgressiveShrinking,
    Reinforce,
    UniformSampling,
)

from .planted import BEST, Bench

SEEDS = range(10)


@dataclass(frozen=True)
class Case:
    """A policy with settings for a search of few steps.

    Attributes:
      steps: of the search.
      optimizer: of the weights.
    """

    make: Callable[[], Policy]
    steps: int
    optimizer: Callable[[], Any] = lambda: keras.optimizers.Adam(0.02)


CASES: dict[str, Case] = {
    "uniform": Case(UniformSampling, 400),
    "fair": Case(FairNAS, 150),
    "reinforce": Case(lambda: Reinforce(0.03), 500),
    "enas": Case(lambda: ENAS(0.02, 16, tanh_constant=2.5, baseline_decay=0.9), 600),
    "darts": Case(lambda: DARTS(0.03), 200),
    "darts2": Case(
        lambda: DARTS(0.03, order=2), 200, optimizer=lambda: keras.optimizers.SGD(0.05, 0.9)
    ),
    "gdas": Case(lambda: GDAS(0.03), 500),
    "shrinking": Case(ProgressiveShrinking, 200),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_planted_branch_is_found_at_its_cost(name: str) -> None:
    case = CASES[name]
    bench = Bench(case.make(), case.steps, case.optimizer())
    for costs in (False, True):
        found = [bench.found(seed, costs=costs) for seed in SEEDS]
        assert [dna.values[bench.place("block")] for dna in found] == [BEST] * len(SEEDS)
        if costs:
            ratios = [bench.formula(dna) / bench.target for dna in found]
            np.testing.assert_allclose(ratios, 1.0, atol=0.05)
    assert bench.traces == 1
