"""What a child draws while it is built, and what is called after its trial."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from keras_glove.algorithms import Random
from keras_glove.hyper import oneof
from keras_glove.search import Study, Trial, sample, search
from keras_glove.symbolic import program, symbolize


@symbolize
def drawing(x: int) -> tuple[float, float]:
    if x < 0:
        raise ValueError("negative")
    return random.random(), np.random.random()


SPACE = program(drawing, oneof([1, 2, 3, 4]))


def searched(num_trials: int, study: Study) -> list[Any]:
    children: list[Any] = []
    search(
        SPACE,
        lambda c: children.append(c) or 1.0,
        Random(),
        num_trials,
        study=study,
        progress=False,
    )
    return children


def test_builds_draw_the_same_whatever_ran_before() -> None:
    whole = searched(4, Study(seed=1))
    study = Study(seed=1)
    random.seed(99)
    resumed = searched(2, study) + searched(4, study)
    looped = []
    for child, feedback in sample(SPACE, Random(), 4, seed=1):
        looped.append(child)
        random.random()
        feedback(1.0)
    assert whole == resumed == looped
    assert len(set(whole)) == 4
    assert set(whole).isdisjoint(searched(4, Study(seed=2)))


@pytest.mark.parametrize("candidates", [[1, 2], [-1, 1]], ids=["built", "raising"])
def test_the_generators_of_the_user_go_on_as_if_nothing_was_built(candidates: list[int]) -> None:
    random.seed(5)
    np.random.seed(5)
    expected = random.random(), np.random.random()
    random.seed(5)
    np.random.seed(5)
    search(
        program(drawing, oneof(candidates)), lambda child: 1.0, Random(), 6, seed=1, progress=False
    )
    assert (random.random(), np.random.random()) == expected


def test_after_trial_is_called_with_each_trial_that_ended() -> None:
    class Objective:
        def __init__(self) -> None:
            self.ended: list[tuple[int, str]] = []

        def __call__(self, child: Any, trial: Trial) -> float:
            return 1 / 0 if trial.number == 1 else 1.0

        def after_trial(self, trial: Trial) -> None:
            self.ended.append((trial.number, trial.state))

    objective = Objective()
    search(SPACE, objective, Random(), 3, progress=False)
    assert objective.ended == [(0, "complete"), (1, "failed"), (2, "complete")]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_a_trial_knows_the_direction(direction: Any) -> None:
    seen: list[str] = []
    search(
        SPACE,
        lambda child, trial: seen.append(trial.direction) or 0.0,
        Random(),
        1,
        direction=direction,
        progress=False,
    )
    assert seen == [direction]
