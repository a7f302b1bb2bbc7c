"""What objectives return: several rewards, constraints, metrics."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from keras_glove.algorithms import NSGA2, Random, Sweep, dominates
from keras_glove.errors import AlgorithmError, RewardError, SearchError
from keras_glove.hyper import DNA, intv, oneof
from keras_glove.search import Study, sample, search
from keras_glove.search.results import Result, parse_result
from tests.naming import named

TWO = {"accuracy": "maximize", "ms": "minimize"}
SPACE = {"x": intv(0, 9), "y": oneof([1, 2, 4, 8])}


def judge(child: dict[str, int]) -> Any:
    return {"accuracy": child["x"] * child["y"], "ms": child["x"] + child["y"], "size": 3}


# --- reading results ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "names", "expected"),
    [
        (0.5, ["reward"], Result(0.5)),
        (np.float32(0.5), ["loss"], Result(0.5)),
        ({"loss": 1}, ["loss"], Result(1.0)),
        ({"reward": 1, "n": np.int64(2)}, ["reward"], Result(1.0, {"n": 2})),
        ({"b": 1, "a": 2, "c": None}, ["a", "b"], Result((2.0, 1.0), {"c": None})),
        ({"reward": 1, "constraints": -3}, ["reward"], Result(1.0, None, {"0": -3.0})),
        ({"reward": 1, "constraints": [1, -2]}, ["reward"], Result(1.0, None, {"0": 1, "1": -2})),
        ({"reward": 1, "constraints": {"MB": 7}}, ["reward"], Result(1.0, None, {"MB": 7.0})),
        ({"reward": 1, "constraints": {}}, ["reward"], Result(1.0)),
    ],
    ids=named,
)
def test_parse(result: Any, names: list[str], expected: Result) -> None:
    assert parse_result(result, names) == expected


@pytest.mark.parametrize(
    ("result", "names", "message"),
    [
        (0.5, ["a", "b"], r"a mapping with the rewards \['a', 'b'\]"),
        ({"a": 1}, ["a", "b"], "the key 'b'"),
        ({"a": 1, "b": math.nan}, ["a", "b"], "finite"),
        ({"a": 1, "b": "2"}, ["a", "b"], "a number"),
        ({"reward": 1, "constraints": ["much"]}, ["reward"], "constraint"),
        ({"reward": 1, "constraints": [math.nan]}, ["reward"], "NaN"),
        ({"reward": 1, "model": object()}, ["reward"], "'model'"),
    ],
    ids=named,
)
def test_what_cannot_be_read(result: Any, names: list[str], message: str) -> None:
    with pytest.raises(RewardError, match=message):
        parse_result(result, names)


# --- several rewards ----------------------------------------------------------------


def test_the_front_of_all_children() -> None:
    study = search(SPACE, judge, Random(), 1, progress=False, seed=0)  # one reward needs its name.
    assert study.trials[0].state == "failed"
    study = Study(direction=TWO, seed=0)
    for child, feedback in sample(SPACE, NSGA2(20), 200, study=study):
        feedback(judge(child))
    points = {(t.rewards["accuracy"], -t.rewards["ms"]) for t in study.trials}
    best = {p for p in points if not any(dominates(q, p) for q in points)}
    front = [(t.rewards["accuracy"], -t.rewards["ms"]) for t in study.pareto()]
    assert set(front) == best
    assert front == sorted(front, reverse=True)
    assert len(front) == len(best)  # of equals only one,
    for trial in study.pareto():  # the earliest.
        assert trial is next(t for t in study.trials if t.rewards == trial.rewards)


@given(
    st.lists(
        st.tuples(*[st.integers(-4, 4)] * 3, st.sampled_from([-1, 0, 2])), min_size=1, max_size=30
    )
)
def test_fronts_of_any_trials(points: list[tuple[int, ...]]) -> None:
    study = Study(direction={"a": "maximize", "b": "minimize", "c": "maximize"})
    for a, b, c, broken in points:
        trial = study.start(DNA([0])).trial
        study.complete(trial, Result((float(a), float(b), float(c)), None, {"k": float(broken)}))
    turned = [(a, -b, c) for a, b, c, broken in points if broken <= 0]
    expected = {p for p in turned if not any(dominates(q, p) for q in turned)}
    assert {study.turned(trial) for trial in study.pareto()} == expected
    assert len(study.pareto()) == len(expected)
    volume = sum(
        any(all(cell[i] < p[i] for i in range(3)) for p in expected)
        for cell in itertools.product(range(-5, 4), repeat=3)
    )
    assert study.hypervolume({"a": -5, "b": 5, "c": -5}) == pytest.approx(volume)


@pytest.mark.parametrize("view", ["best_trial", "best_value", "best_dna", "best_or_none"])
def test_several_have_no_best(view: str) -> None:
    study = search(SPACE, judge, NSGA2(4), 5, progress=False, direction=TWO, seed=0)
    with pytest.raises(SearchError, match="pareto"):
        getattr(study, view)
    with pytest.raises(SearchError, match=r"trial\.rewards"):
        study.trials[0].reward  # noqa: B018
    assert "pareto=" in repr(study)
    assert "rewards={'accuracy'" in repr(study.trials[0])
    assert Study.from_dict(study.to_dict()).to_dict() == study.to_dict()


def test_an_algorithm_for_one_reward_is_refused() -> None:
    with pytest.raises(AlgorithmError, match="one objective"):
        search(SPACE, judge, Random2(), 5, progress=False, direction=TWO)


class Random2(Sweep):
    """Knows one objective."""

    @property
    def multi_objective(self) -> bool:
        return False


@pytest.mark.parametrize("reference", [{}, {"accuracy": 0}, {"accuracy": 0, "ms": 1, "x": 2}])
def test_bad_references(reference: dict[str, float]) -> None:
    with pytest.raises(SearchError, match="a reference with the names"):
        Study(direction=TWO).hypervolume(reference)


def test_a_named_reward_takes_numbers_too() -> None:
    study = search(oneof([3, 1, 2]), float, Sweep(), progress=False, direction={"loss": "minimize"})
    assert study.best_value == 1.0
    assert study.trials[0].rewards == {"loss": 3.0}


# --- constraints --------------------------------------------------------------------


def test_the_best_keeps_the_constraints() -> None:
    def judged(child: int) -> Any:
        return {"reward": child, "constraints": {"large": child - 5, "odd": child % 2}}

    study = search(intv(0, 9), judged, Sweep(), progress=False)
    assert study.best_value == 4.0
    assert [trial.reward for trial in study.top(2)] == [4.0, 2.0]
    assert study.trials[7].violation == 3.0
    assert study.trials[7].constraints == {"large": 2.0, "odd": 1.0}


def test_when_all_broke_one() -> None:
    study = search(intv(0, 3), lambda c: {"reward": c, "constraints": [1]}, Sweep(), progress=False)
    with pytest.raises(SearchError, match="each of the 4 that are complete broke a constraint"):
        study.best_trial  # noqa: B018
    assert study.pareto() == []
