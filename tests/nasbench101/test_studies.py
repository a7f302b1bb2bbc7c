"""Searches of a table with the published settings, and their curves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_glove.benchmarks.nasbench101 import (
    SETTINGS,
    NASBench,
    Trajectory,
    cell_space,
    compare,
    find_setting,
    run_search,
)
from keras_glove.benchmarks.nasbench101.trajectories import mean_curve, time_grid
from keras_glove.errors import OutOfDomainError
from keras_glove.hyper import SearchSpace

RUN = Trajectory(
    seconds=np.array([1.0, 2.0, 4.0, 8.0]),
    validation=np.array([0.5, 0.7, 0.7, 0.6]),
    test=np.array([0.4, 0.6, 0.8, 0.9]),
    best_test=1.0,
)
NOTHING = Trajectory(*[np.zeros(0)] * 3, best_test=1.0)


def test_the_incumbent_is_the_first_that_looked_best() -> None:
    assert RUN.incumbents.tolist() == [0, 1, 1, 1]  # of equals the first stays
    assert RUN.incumbent_test.tolist() == [0.4, 0.6, 0.6, 0.6]
    assert RUN.incumbent_validation.tolist() == [0.5, 0.7, 0.7, 0.7]
    np.testing.assert_allclose(RUN.regret, [0.6, 0.4, 0.4, 0.4])
    assert len(NOTHING.incumbents) == len(NOTHING.regret) == 0


def test_what_was_known_at_a_time() -> None:
    known = RUN.at([0.5, 1.0, 1.9, 2.0, 100.0], RUN.incumbent_test)
    np.testing.assert_array_equal(known, [np.nan, 0.4, 0.4, 0.6, 0.6])
    assert np.isnan(NOTHING.at([1.0], NOTHING.regret)).all()


def test_curves_over_runs() -> None:
    better = Trajectory(RUN.seconds / 2, RUN.validation, RUN.test + 0.1, 1.0)
    seconds = time_grid([RUN, better], 5)
    assert seconds[0] == 1.0
    assert seconds[-1] == pytest.approx(4.0)
    mean, error = mean_curve([RUN, better], seconds[-1:])
    assert mean.tolist() == pytest.approx([0.65])
    assert error.tolist() == pytest.approx([0.05])
    assert mean_curve([RUN], seconds)[1].tolist() == [0.0] * 5
    for runs in ([], [RUN, NOTHING]):
        with pytest.raises(OutOfDomainError, match="runs with queries"):
            time_grid(runs)


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
def test_each_setting_searches_and_repeats_itself(table: NASBench, name: str) -> None:
    setting = find_setting(name)
    first, second, other = (
        run_search(table, setting, num_queries=30, epochs=4, seed=seed) for seed in (0, 0, 1)
    )
    assert len(first) == 30
    assert (np.diff(first.seconds) > 0).all()
    assert (first.seconds == second.seconds).all()
    assert (first.test == second.test).all()
    assert not (first.seconds == other.seconds).all()
    assert first.best_test == table.best(epochs=4)[1]
    assert (first.regret >= 0).all()
    assert table.get_budget_counters() == (0.0, 0)


def test_the_published_settings_are_what_they_say() -> None:
    table: Any = None
    made = {s.name: s.make(table) for s in SETTINGS if s.name != "random-table"}
    assert made["evolution-50-10"]._population_size == 50
    assert made["evolution-50-10"]._tournament_size == 10
    assert made["evolution-100-10"]._population_size == 100
    assert made["reinforce"]._learning_rate == 0.1
    assert all(setting.source for setting in SETTINGS)
    for algorithm in made.values():
        algorithm.setup(SearchSpace(cell_space()), seed=0)
        algorithm.propose()
    with pytest.raises(OutOfDomainError, match="evolution-50-10"):
        find_setting("evolution")


def test_a_budget_of_seconds(table: NASBench) -> None:
    run = run_search(table, find_setting("random"), budget_s=20_000)
    assert run.seconds[-2] < 20_000 <= run.seconds[-1]
    with pytest.raises(OutOfDomainError, match="neither"):
        run_search(table, find_setting("random"))
    with pytest.raises(OutOfDomainError, match="4, 108"):
        run_search(table, find_setting("random"), num_queries=1, epochs=36)


def test_proposals_that_are_not_in_the_table(
    table: NASBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_search(table, find_setting("random"), num_queries=30, max_vertices=7)
    assert run.num_invalid > 5  # valid cells of five vertices and more
    monkeypatch.setattr("keras_glove.benchmarks.nasbench101.studies._MOST_MISSES", 3)
    with pytest.raises(OutOfDomainError, match="3 in a row.*complete.*4"):
        run_search(table, find_setting("evolution-100-10"), num_queries=500, max_vertices=7)


def test_what_the_table_is_complete_up_to(table: NASBench) -> None:
    assert table.complete_up_to == 4


def test_a_comparison(table: NASBench, tmp_path: Path) -> None:
    settings = [find_setting("random"), find_setting("evolution-50-10")]
    comparison = compare(table, settings, num_runs=3, num_queries=60)
    lines = json.loads(json.dumps(comparison.summary()))
    assert [line["setting"] for line in lines] == ["random", "evolution-50-10"]
    for line in lines:
        assert line["runs"] == 3
        assert line["queries"] == 60
        assert 0 <= line["regret"]["mean"] < 1
        assert line["regret"]["standard_error"] > 0
        best = table.best()[1]
        assert line["test"]["mean"] + line["regret"]["mean"] == pytest.approx(best)
        assert line["published"] == []  # this is not the table that was published of
    assert comparison.table().row_count == 2
    comparison.plot().savefig(tmp_path / "regret.png")
    assert (tmp_path / "regret.png").stat().st_size > 10_000
    with pytest.raises(OutOfDomainError, match="expected runs and settings"):
        compare(table, [], num_queries=3)


def test_published_points_stand_beside_the_genuine_table_only(table: NASBench) -> None:
    from keras_glove.benchmarks.nasbench101 import Comparison

    setting = find_setting("evolution-50-10")
    comparison = Comparison({setting: [RUN]}, genuine=True)
    assert comparison.summary()[0]["published"] == [[7e5, 0.9415], [5e6, 0.9415]]
    labels = comparison.plot().axes[0].get_legend().get_texts()
    assert [label.get_text() for label in labels] == [
        "evolution-50-10",
        "evolution-50-10, published",
    ]
