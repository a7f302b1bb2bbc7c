"""Rules that end trials early."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from keras_glove.algorithms import Random, Sweep
from keras_glove.errors import AlgorithmError, SearchError, TrialPruned
from keras_glove.hyper import floatv, oneof
from keras_glove.search import (
    HyperbandPruner,
    MedianPruner,
    Pruner,
    Study,
    SuccessiveHalvingPruner,
    Trial,
    search,
)


def curves(steps: int, sign: float = 1.0) -> Any:
    """An objective whose value after every step is that of the child."""

    def objective(child: Any, trial: Trial) -> float:
        for step in range(steps):
            trial.report(step, sign * child)
            if trial.should_prune():
                raise TrialPruned
        return sign * float(child)

    return objective


def lengths(pruner: Pruner, children: list[float], steps: int, **settings: Any) -> list[int]:
    study = Study(pruner=pruner, **settings)
    sign = -1.0 if settings.get("direction") == "minimize" else 1.0
    search(oneof(children), curves(steps, sign), Sweep(), study=study, progress=False)
    return [len(trial.intermediate) for trial in study.trials]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_halving_keeps_the_best_of_each_rung(direction: Any) -> None:
    pruner = SuccessiveHalvingPruner(min_steps=1, reduction=2)
    # At rung 1 the best floor(n/2), at least one, of the n so far: 5; 6; not 4; 7; not 3; 5.5 is
    # third of six. At rung 2: 5; 6; 7; of four then the best two: not 5.5.
    children = [5, 6, 4, 7, 3, 5.5]
    assert lengths(pruner, children, 4, direction=direction) == [4, 4, 1, 4, 1, 2]


def test_halving_by_three() -> None:
    falling = list(range(9, 0, -1))
    assert lengths(SuccessiveHalvingPruner(), falling, 9) == [9] + [1] * 8
    assert lengths(SuccessiveHalvingPruner(), falling[::-1], 9) == [9] * 9


def test_halving_looks_only_at_rungs() -> None:
    asked = []

    class Asked(SuccessiveHalvingPruner):
        def should_prune(self, study: Study, trial: Trial) -> bool:
            pruned = super().should_prune(study, trial)
            asked.append((trial.number, len(trial.intermediate), pruned))
            return pruned

    lengths(Asked(min_steps=2, reduction=2), [2, 1], 6)
    assert asked == [(0, n, False) for n in range(1, 7)] + [(1, 1, False), (1, 2, True)]


def test_steps_that_jump_over_rungs() -> None:
    def objective(child: float, trial: Trial) -> float:
        for step in (4, 9, 11):  # rungs 1, 3 and 9: the last passed one counts.
            trial.report(step, child)
            if trial.should_prune():
                raise TrialPruned
        return child

    study = Study(pruner=SuccessiveHalvingPruner())
    search(oneof([2.0, 1.0, 3.0]), objective, Sweep(), study=study, progress=False)
    assert [list(trial.intermediate) for trial in study.trials] == [[4, 9, 11], [4], [4, 9, 11]]


@pytest.mark.parametrize(
    "pruner", [MedianPruner(), SuccessiveHalvingPruner(5), HyperbandPruner(9)], ids=repr
)
def test_what_is_not_finite_ends_at_once(pruner: Pruner) -> None:
    study = Study(pruner=pruner)
    search(oneof([math.e, 2.0]), curves_of_nan, Sweep(), study=study, progress=False)
    assert [trial.state for trial in study.trials] == ["pruned", "pruned"]


def curves_of_nan(child: float, trial: Trial) -> float:
    assert not trial.should_prune()  # nothing was reported.
    trial.report(0, math.nan)
    if trial.should_prune():
        raise TrialPruned("diverged")
    return child


# --- Hyperband ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        ({"max_steps": 81}, (81, 34, 15, 8, 5)),  # table 1 of Li et al. 2018.
        ({"max_steps": 26}, (9, 5, 3)),
        ({"max_steps": 16, "min_steps": 2, "reduction": 2}, (8, 6, 4, 4)),
        ({"max_steps": 1}, (1,)),
    ],
    ids=str,
)
def test_hyperband_brackets(settings: Any, sizes: tuple[int, ...]) -> None:
    pruner = HyperbandPruner(**settings)
    assert pruner.brackets == sizes
    dealt = [pruner.bracket(number) for number in range(2 * sum(sizes))]
    assert Counter(dealt) == {bracket: 2 * size for bracket, size in enumerate(sizes)}
    assert dealt[: sizes[0]] == [0] * sizes[0]


def test_hyperband_compares_within_brackets() -> None:
    pruner = HyperbandPruner(max_steps=9)  # 9 trials from 1 step, 5 from 3, 3 whole ones.
    falling = list(range(34, 0, -1))
    found = lengths(pruner, falling, 9)
    assert found[0] == 9
    assert set(found[1:5]) == {1}
    assert found[9] == 9  # the first of its bracket, though below all before.
    assert set(found[10:14]) == {3}
    assert found[14:17] == [9, 9, 9]
    assert set(found[17:26]) <= {1, 3, 9}
    assert found[31:] == [9, 9, 9]


# --- what a pruner saves, and where it cannot be ------------------------------------


@pytest.mark.parametrize("pruner", [SuccessiveHalvingPruner(), HyperbandPruner(9)], ids=repr)
def test_a_search_is_cheaper_and_as_good(pruner: Pruner) -> None:
    study = Study(pruner=pruner, seed=0)
    search(floatv(0.0, 1.0), curves(9), Random(), 60, study=study, progress=False)
    whole = search(floatv(0.0, 1.0), curves(9), Random(), 60, seed=0, progress=False)
    assert study.best_value == whole.best_value
    assert sum(len(trial.intermediate) for trial in study.trials) < 60 * 9 * 0.6


def test_goes_on_with_a_kept_study(tmp_path: Path) -> None:
    whole = lengths(SuccessiveHalvingPruner(reduction=2), [5, 6, 4, 7, 3, 5.5], 4)
    for total in (2, 4, 6):
        study = Study("s", tmp_path / "x.db", pruner=SuccessiveHalvingPruner(reduction=2))
        program = oneof([5, 6, 4, 7, 3, 5.5])
        search(program, curves(4), Sweep(), total, study=study, progress=False)
        study.close()
    assert [len(trial.intermediate) for trial in study.store] == whole


@pytest.mark.parametrize(
    "make",
    [
        lambda: SuccessiveHalvingPruner(0),
        lambda: SuccessiveHalvingPruner(reduction=1),
        lambda: HyperbandPruner(3, min_steps=4),
        lambda: HyperbandPruner(3, reduction=1),
        lambda: HyperbandPruner(2.5),  # type: ignore[arg-type]
    ],
)
def test_bad_settings(make: Any) -> None:
    with pytest.raises(AlgorithmError):
        make()


def test_no_pruner_for_several_rewards() -> None:
    with pytest.raises(SearchError, match="no pruner"):
        Study(direction={"a": "maximize", "b": "minimize"}, pruner=MedianPruner())
