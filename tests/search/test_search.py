"""The search as one call."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import numpy as np
import pytest

from keras_glove.algorithms import Algorithm, HillClimb, Random, RegularizedEvolution, Sweep
from keras_glove.errors import SearchError, SpaceError, TrialPruned
from keras_glove.hyper import DNA, floatv, intv, oneof
from keras_glove.search import MedianPruner, Study, Trial, default_algorithm, search
from keras_glove.symbolic import program

SPACE = {"x": intv(0, 9), "y": oneof([1, 2, 4, 8])}


def quiet(*args: Any, **kwargs: Any) -> Study:
    return search(*args, progress=False, **kwargs)


def product(child: dict[str, int]) -> float:
    return float(child["x"] * child["y"])


@pytest.mark.parametrize(
    ("direction", "best"), [("maximize", 72.0), ("minimize", 0.0), (None, 72.0)]
)
def test_finds_the_best_of_all(direction: Any, best: float) -> None:
    study = quiet(SPACE, product, Sweep(), direction=direction)
    assert len(study.trials) == 40
    assert study.best_value == best
    assert product(study.best_program) == best
    assert study.best_trial.decisions == study.best_program


@pytest.mark.parametrize(
    "algorithm", [Random(seed=0), RegularizedEvolution(10, 3, seed=0), HillClimb(seed=0)], ids=repr
)
def test_minimizing_turns_the_sign_for_the_algorithm_only(algorithm: Algorithm) -> None:
    space = [floatv(0.0, 1.0) for _ in range(8)]
    study = quiet(space, sum, algorithm, 150, direction="minimize")
    early = np.mean([trial.reward for trial in study.trials[:10]])
    late = np.mean([trial.reward for trial in study.trials[-40:]])
    assert late < early or isinstance(algorithm, Random)
    assert study.best_value == min(trial.reward for trial in study.trials)


def test_metrics_and_trial_handle() -> None:
    def objective(child: dict[str, int], trial: Trial) -> dict[str, Any]:
        trial.report(0, 0.5)
        trial.report(np.int64(1), np.float32(0.25))
        return {"reward": product(child), "seed": trial.seed, "curve": [1, np.float64(2.5)]}

    trial = quiet(SPACE, objective, Random(seed=0), 1).trials[0]
    assert trial.metrics == {"seed": trial.seed, "curve": [1, 2.5]}
    assert trial.intermediate == {0: 0.5, 1: 0.25}
    assert trial.duration_s is not None and trial.duration_s >= 0


def test_trial_seeds_depend_on_study_and_number_only() -> None:
    first, second, other = (
        [trial.seed for trial in quiet(SPACE, product, Random(), 6, seed=seed).trials]
        for seed in (1, 1, 2)
    )
    assert first == second
    assert len({*first, *other}) == 12
    assert all(0 <= seed < 2**31 for seed in first)


# --- failures -----------------------------------------------------------------------

FAILURES = {
    "raises": (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
    "memory": (lambda: raising(MemoryError("no memory left")), "MemoryError: no memory left"),
    "nan": (lambda: float("nan"), "RewardError: expected the reward to be finite, received nan"),
    "none": (lambda: None, "RewardError: expected the reward to be a number, received NoneType"),
    "text": (lambda: "good", "RewardError: expected the reward to be a number, received str"),
    "no reward": (lambda: {"accuracy": 1.0}, "the key 'reward'"),
}


def raising(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_trial_is_recorded_and_the_search_goes_on(name: str) -> None:
    outcome, message = FAILURES[name]
    study = quiet(
        SPACE, lambda child: outcome() if child["x"] % 2 else product(child), Sweep(), seed=0
    )
    states = [trial.state for trial in study.trials]
    assert states.count("failed") == 20
    assert study.best_value == 64.0
    failed = next(trial for trial in study.trials if trial.state == "failed")
    assert failed.reward is None
    assert message in failed.error
    assert "Traceback" in failed.traceback


@pytest.mark.parametrize("name", FAILURES)
def test_stops_when_each_of_the_first_five_fails(name: str) -> None:
    outcome, message = FAILURES[name]
    study = Study()
    with pytest.raises(SearchError, match="first 5 trials failed") as caught:
        quiet(SPACE, lambda child: outcome(), Random(seed=0), 50, study=study)
    assert str(caught.value).count(message) >= 5
    assert [trial.state for trial in study.trials] == ["failed"] * 5
    with pytest.raises(SearchError, match="5 of 5 trials failed"):
        study.best_trial  # noqa: B018


def test_four_failures_at_first_are_not_five() -> None:
    study = quiet(
        SPACE,
        lambda child, trial: 1 / 0 if trial.number < 4 else product(child),
        RegularizedEvolution(3, 2, seed=0),
        12,
    )
    assert len(study.trials) == 12
    assert study.best_trial.number >= 4


def test_failures_count_from_the_start_of_each_run() -> None:
    study = Study()
    with pytest.raises(SearchError):
        quiet(SPACE, lambda child: 1 / 0, Random(seed=0), 20, study=study)
    quiet(SPACE, product, Random(seed=0), 20, study=study)
    assert [trial.state for trial in study.trials] == ["failed"] * 5 + ["complete"] * 15


def test_an_interrupted_trial_is_run_again() -> None:
    study = Study()

    def objective(child: Any, trial: Trial) -> float:
        return raising(KeyboardInterrupt()) if trial.number == 3 else product(child)

    with pytest.raises(KeyboardInterrupt):
        quiet(SPACE, objective, Random(seed=0), 10, study=study)
    assert [trial.state for trial in study.trials] == ["complete"] * 3 + ["running"]
    broken_off = study.trials[3].dna
    quiet(SPACE, product, Random(seed=1), 10, study=study)
    assert [trial.state for trial in study.trials] == ["complete"] * 10
    assert study.trials[3].dna == broken_off
    assert study.trials[3].attempt == 1  # who interrupts knows what he does.


# --- memory -------------------------------------------------------------------------


class Child:
    def __init__(self, width: int) -> None:
        self.width = width


@pytest.mark.parametrize("fails", [False, True])
def test_a_child_is_gone_when_the_next_is_built(fails: bool) -> None:
    alive: list[weakref.ref[Child]] = []

    def objective(child: Child, trial: Trial) -> float:
        assert all(ref() is None for ref in alive)
        alive.append(weakref.ref(child))
        local = [child]
        if fails and trial.number:
            raise MemoryError
        return float(len(local))

    gc.disable()  # it must not take the collector to free a child.
    try:
        quiet(program(Child, width=oneof([1, 2, 3])), objective, Random(seed=0), 12)
    finally:
        gc.enable()
    assert len(alive) == 12


def test_a_trial_takes_less_than_a_kilobyte() -> None:
    study = quiet([oneof(list(range(5))) for _ in range(26)], lambda c: 1.5 * sum(c), Random(), 50)
    trial = study.trials[-1]
    parts = [trial, trial.dna, trial.dna.values, trial.reward, trial.duration_s, trial._started]
    assert sum(map(sys.getsizeof, parts)) < 700
    assert not hasattr(trial, "__dict__")


# --- pruning ------------------------------------------------------------------------


def test_pruned_by_the_objective() -> None:
    def objective(child: Any) -> float:
        if child["x"] == 9:
            raise TrialPruned("nine")
        return product(child)

    study = quiet(SPACE, objective, Sweep())
    assert study.best_value == 64.0
    assert {trial.error for trial in study.trials if trial.state == "pruned"} == {"nine"}


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_median_pruner_ends_the_poor(direction: Any) -> None:
    sign = 1.0 if direction == "maximize" else -1.0

    def objective(child: int, trial: Trial) -> float:
        for epoch in range(4):
            trial.report(epoch, sign * child * (epoch + 1))
            if trial.should_prune():
                raise TrialPruned
        return sign * child

    pruner = MedianPruner(startup_trials=4, warmup_steps=1)
    study = quiet(
        oneof([5, 6, 7, 8, 2, 9, 1]), objective, Sweep(), direction=direction, pruner=pruner
    )
    assert [trial.state for trial in study.trials] == [
        *["complete"] * 4, "pruned", "complete", "pruned",
    ]  # fmt: skip
    assert len(study.trials[4].intermediate) == 2
    assert study.best_value == 9 * sign


def test_median_pruner_ends_what_is_not_finite() -> None:
    def objective(child: int, trial: Trial) -> float:
        trial.report(0, float("nan"))
        return 0.0 if not trial.should_prune() else raising(TrialPruned("diverged"))

    study = quiet(oneof([1, 2]), objective, Sweep(), pruner=MedianPruner())
    assert {trial.state for trial in study.trials} == {"pruned"}


# --- how long, and defaults ---------------------------------------------------------


def test_number_is_the_total_and_the_default_algorithm_goes_on() -> None:
    whole = quiet(SPACE, product, num_trials=30, seed=3)
    parts = quiet(SPACE, product, num_trials=30, seed=3, algorithm=default_algorithm(30))
    stopped = Study(seed=3)
    first = default_algorithm(30)
    quiet(SPACE, product, first, 12, study=stopped)
    quiet(SPACE, product, num_trials=30, study=stopped)
    assert stopped.algorithm is first
    for study in (parts, stopped):
        assert [t.dna for t in study.trials] == [t.dna for t in whole.trials]


@pytest.mark.parametrize(
    ("trials", "population", "tournament"),
    [(1, 5, 2), (25, 5, 2), (100, 20, 5), (500, 100, 25), (10**5, 100, 25)],
)
def test_default_algorithm(trials: int, population: int, tournament: int) -> None:
    expected = RegularizedEvolution(population, tournament)
    assert repr(default_algorithm(trials)) == repr(expected)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_trials": 0}, SearchError, "at least 1"),
        ({"algorithm": None}, SearchError, "num_trials"),
        ({"direction": "up"}, SearchError, "'maximize' or 'minimize'"),
        ({"objective": 3}, SearchError, "callable"),
        ({"program": {"x": 1}}, SpaceError, "hyper-value"),
        ({"study": Study(), "direction": "minimize"}, SearchError, "direction"),
        ({"study": {}}, SearchError, "study"),
    ],
    ids=str,
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    given = {"program": SPACE, "objective": product, "algorithm": Sweep(), **arguments}
    with pytest.raises(error, match=message):
        quiet(**given)


def test_an_objective_that_cannot_be_inspected() -> None:
    assert quiet([oneof([1, 2])], max, Sweep()).best_dna == DNA([1])
