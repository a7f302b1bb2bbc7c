"""Dominance, fronts, crowding and hypervolume, against their definitions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from keras_glove.algorithms import (
    Objectives,
    crowding_distance,
    dominates,
    hypervolume,
    non_dominated_sort,
    pareto_front,
)
from keras_glove.errors import AlgorithmError, RewardError

Rows = list[tuple[float, ...]]


def rows(objectives: int, points: int = 12) -> st.SearchStrategy[Rows]:
    numbers = st.integers(0, 6).map(float)  # few values, so that there are ties.
    return st.lists(st.tuples(*[numbers] * objectives), max_size=points)


any_rows = st.integers(1, 4).flatmap(rows)


@given(any_rows, st.data())
def test_fronts_follow_from_their_definition(table: Rows, data: st.DataObject) -> None:
    broken = data.draw(st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.0]), min_size=len(table),
                                max_size=len(table)))  # fmt: skip

    def better(i: int, j: int) -> bool:
        if broken[i] or broken[j]:
            return broken[i] < broken[j]
        return dominates(table[i], table[j])

    left, expected = list(range(len(table))), []
    while left:
        front = [i for i in left if not any(better(j, i) for j in left)]
        expected.append(front)
        left = [i for i in left if i not in front]
    assert non_dominated_sort(table, broken) == expected


@given(any_rows)
def test_the_pareto_front_is_the_first(table: Rows) -> None:
    fronts = non_dominated_sort(table)
    assert pareto_front(table) == (fronts[0] if fronts else [])


def test_points_that_break_constraints_are_on_no_front() -> None:
    assert pareto_front([(1, 1), (2, 2)], violations=[0, 1]) == [0]
    assert pareto_front([(1, 1)], violations=[3]) == []


@given(any_rows.filter(bool))
@settings(deadline=None)
def test_hypervolume_counts_the_cells_below_the_points(table: Rows) -> None:
    cells = itertools.product(range(7), repeat=len(table[0]))
    covered = sum(
        any(all(x > c for x, c in zip(row, cell, strict=True)) for row in table) for cell in cells
    )
    assert hypervolume(table, [0.0] * len(table[0])) == pytest.approx(covered)


def test_hypervolume_of_known_shapes() -> None:
    assert hypervolume([(2, 3, 4, 5, 6)], [1] * 5) == 1 * 2 * 3 * 4 * 5
    assert hypervolume([(1, 1), (2, -5), (0, 0)], (0, 0)) == 1.0  # beyond the reference: nothing
    assert hypervolume([], (0, 0)) == 0.0
    sphere = np.abs(np.random.default_rng(0).standard_normal((60, 3)))
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    points = np.random.default_rng(1).random((200_000, 3))
    share = np.mean([(points <= row).all(axis=1) for row in sphere], axis=0).astype(bool).mean()
    assert hypervolume(sphere, (0, 0, 0)) == pytest.approx(share, abs=0.005)


def test_crowding_is_the_distance_of_the_neighbours() -> None:
    distances = crowding_distance([(0, 10), (1, 9), (5, 4), (10, 0)])
    assert distances.tolist() == [math.inf, 0.5 + 0.6, 0.9 + 0.9, math.inf]
    assert crowding_distance([(1, 2), (1, 3)]).tolist() == [math.inf, math.inf]
    assert crowding_distance([(1, 2), (1, 2), (1, 2)]).tolist() == [0, 0, 0]
    assert crowding_distance([]).tolist() == []


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [((1, 2), (1, 1), True), ((1, 1), (1, 1), False), ((2, 0), (1, 1), False), ((3,), (2,), True)],
)
def test_dominates(a: tuple[float, ...], b: tuple[float, ...], expected: bool) -> None:
    assert dominates(a, b) is expected


def test_objectives_turn_names_into_rows_and_back() -> None:
    objectives = Objectives({"accuracy": "maximize", "loss": "minimize"})
    assert len(objectives) == 2
    row = objectives.rewards({"loss": np.float32(0.5), "accuracy": 1, "other": None})
    assert row == (1.0, -0.5)
    assert objectives.values(row) == {"accuracy": 1.0, "loss": 0.5}
    assert eval(repr(objectives), {"Objectives": Objectives}).directions == objectives.directions


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Objectives({}), AlgorithmError, "mapping of objectives"),
        (lambda: Objectives(["accuracy"]), AlgorithmError, "mapping of objectives"),
        (lambda: Objectives({"a": "max"}), AlgorithmError, "'maximize' or 'minimize'"),
        (lambda: Objectives({"a": "maximize"}).rewards({}), RewardError, "none for 'a'"),
        (lambda: Objectives({"a": "maximize"}).rewards({"a": math.nan}), RewardError, "finite"),
        (lambda: non_dominated_sort([(1, math.nan)]), RewardError, "finite"),
        (lambda: non_dominated_sort([1, 2]), RewardError, "shape"),
        (lambda: non_dominated_sort([(1, 2), (1,)]), RewardError, "rows of numbers"),
        (lambda: non_dominated_sort([(1, 2)], [0, 0]), RewardError, "1 violations"),
        (lambda: non_dominated_sort([(1, 2)], [-1]), RewardError, "at least 0"),
        (lambda: hypervolume([(1, 2)], (0,)), RewardError, "reference of 2"),
    ],
)
def test_bad_use(make: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
