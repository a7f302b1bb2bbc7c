"""The table: the official semantics, and what is beyond them."""

from __future__ import annotations

import gc
import random
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_glove.benchmarks.nasbench101 import (
    CONV3X3,
    Cell,
    CellArray,
    NASBench,
    enumerate_cells,
)
from keras_glove.errors import CellError, OutOfDomainError, UnknownHashError

LINE = Cell([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", CONV3X3, "output"])
BROKEN = Cell([[0, 0], [0, 0]], ["input", "output"])
LARGE = enumerate_cells()[5000]  # valid, but not in the small table
EIGHT = Cell(np.eye(8, k=1, dtype=int), ["input", *[CONV3X3] * 6, "output"])


def test_a_query_is_one_of_the_trainings(table: NASBench) -> None:
    _, computed = table.get_metrics_from_spec(LINE)
    for half, stage in ((False, "final"), (True, "halfway")):
        seen = set()
        for _ in range(50):
            answer = table.query(LINE, epochs=4, stop_halfway=half)
            assert list(answer) == [
                "module_adjacency",
                "module_operations",
                "trainable_parameters",
                "training_time",
                "train_accuracy",
                "validation_accuracy",
                "test_accuracy",
            ]
            training = {f"{stage}_{name}": answer[name] for name in list(answer)[3:]}
            matches = [training.items() <= known.items() for known in computed[4]]
            assert sum(matches) == 1
            seen.add(matches.index(True))
        assert seen == {0, 1, 2}


def test_the_same_draws_as_the_official_library(record_file: Path) -> None:
    table = NASBench(record_file, seed=7)
    rng = random.Random(7)
    _, computed = table.get_metrics_from_spec(LINE)
    for _ in range(100):
        expected = computed[108][rng.randint(0, 2)]["final_test_accuracy"]
        assert table.query(LINE)["test_accuracy"] == expected


def test_what_is_counted(table: NASBench) -> None:
    assert table.get_budget_counters() == (0.0, 0)
    spent = table.query(LINE)["training_time"]
    spent += table.query(LINE, stop_halfway=True)["training_time"]
    spent += table.query(LINE, epochs=4)["training_time"]
    table.is_valid(LINE)
    table.get_metrics_from_spec(LINE)
    table.mean(LINE)
    table.regret(LINE)
    table.best()
    for wrong in ({"epochs": 5}, {"model_spec": BROKEN}, {"model_spec": LARGE}):
        with pytest.raises(OutOfDomainError):
            table.query(**{"model_spec": LINE, **wrong})
    assert table.get_budget_counters() == (spent, 108 + 54 + 4)
    assert (table.training_time_spent, table.total_epochs_spent) == (spent, 166)
    table.reset_budget_counters()
    assert table.get_budget_counters() == (0.0, 0)


def test_isomorphic_cells_give_the_stored_cell(table: NASBench) -> None:
    # The vertices in the other order, and one more that is pruned.
    given = Cell(
        [[0, 1, 1, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
        ["input", "maxpool3x3", "conv1x1-bn-relu", "unknown", "output"],
    )
    answer = table.query(given)
    stored = Cell(answer["module_adjacency"], answer["module_operations"])
    assert stored.is_isomorphic(given)
    assert stored == given.canonical()
    assert stored.code != given.code


def test_answers_are_the_callers_own(table: NASBench) -> None:
    first = table.query(LINE)
    first["module_adjacency"][:] = 7
    first["module_operations"].clear()
    second = table.query(LINE)
    assert Cell(second["module_adjacency"], second["module_operations"]) == LINE
    assert second["module_adjacency"].dtype == np.int8
    assert all(type(second[name]) is float for name in list(second)[3:])
    assert type(second["trainable_parameters"]) is int


@pytest.mark.parametrize("epochs", [5, 12, 36, 0, -4, None, "108", [4]])
def test_epochs_that_are_not_there_come_before_the_cell(table: NASBench, epochs: Any) -> None:
    for ask in (table.query, table.mean, lambda cell, e: table.query_many([cell], e)):
        with pytest.raises(OutOfDomainError, match="epochs among 4, 108"):
            ask(BROKEN, epochs)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (BROKEN, "not connected"),
        (EIGHT, "8 vertices"),
        (Cell([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", "conv5x5", "output"]), "conv5x5"),
        (LARGE, "91 cells of the table"),
    ],
)
def test_cells_that_are_not_there(table: NASBench, cell: Cell, message: str) -> None:
    for ask in (table.query, table.get_metrics_from_spec, table.regret):
        with pytest.raises(OutOfDomainError, match=message):
            ask(cell)
    assert table.is_valid(cell) is (cell is LARGE)
    assert cell not in table
    assert LINE in table
    assert "cell" not in table
    with pytest.raises(OutOfDomainError, match="index 1"):
        table.query_many([LINE, cell])


def test_a_matrix_of_another_kind_is_refused_before() -> None:
    with pytest.raises(CellError, match="upper triangular"):
        Cell([[0, 0, 0], [1, 0, 0], [0, 1, 0]], ["input", CONV3X3, "output"])
    whole = Cell(np.eye(3, k=1), ["input", CONV3X3, "output"])  # floats, but whole numbers
    assert whole == LINE


def test_hashes(table: NASBench) -> None:
    hashes = list(table.hash_iterator())
    assert hashes == sorted(hashes) == table.hashes(table.cells).tolist()
    assert len(hashes) == len(table) == len(table.fixed_statistics) == 91
    assert [cell.hash for cell in table.cells] == hashes
    assert [table.hash_of(cell) for cell in table.cells] == hashes
    assert LINE.hash in table.fixed_statistics
    assert LINE.hash in table.computed_statistics
    for wrong in ("0" * 32, "f" * 32, "", "xyz", None, 7):
        assert wrong not in table.fixed_statistics
        with pytest.raises(UnknownHashError, match="91 hashes") as caught:
            table.get_metrics_from_hash(wrong)  # type: ignore[arg-type]
        assert isinstance(caught.value, KeyError)


def test_config(table: NASBench) -> None:
    assert table.valid_epochs == {4, 108}
    assert table.config["num_repeats"] == 3
    assert table.config["module_vertices"] == 7
    assert table.config["max_edges"] == 9
    assert table.config["available_ops"][0] == CONV3X3


# --- beyond the official library -------------------------------------------------------


@pytest.mark.parametrize("repeat", ["random", "mean", 0, 2])
@pytest.mark.parametrize("half", [False, True])
def test_a_batch_is_as_many_queries(record_file: Path, repeat: Any, half: bool) -> None:
    one, many = (NASBench(record_file, seed=3, repeat=repeat) for _ in range(2))
    cells = list(one.cells) * 3
    single = [one.query(cell, 4, half) for cell in cells]
    for given in (cells, CellArray.of_cells(cells)):
        if given is not cells:
            many = NASBench(record_file, seed=3, repeat=repeat)
        answer = many.query_many(given, 4, half)
        for name, column in answer.items():
            np.testing.assert_allclose(column, [each[name] for each in single], rtol=1e-12)
        assert many.total_epochs_spent == one.total_epochs_spent
        assert many.training_time_spent == pytest.approx(one.training_time_spent)


def test_an_empty_batch(table: NASBench) -> None:
    answer = table.query_many([])
    assert [len(column) for column in answer.values()] == [0] * 5
    assert table.get_budget_counters() == (0.0, 0)


@pytest.mark.parametrize("repeat", ["mean", 1])
def test_deterministic_answers(record_file: Path, repeat: Any) -> None:
    tables = [NASBench(record_file, seed=seed, repeat=repeat) for seed in (0, 1)]
    answers = [[t.query(LINE)["validation_accuracy"] for _ in range(20)] for t in tables]
    assert len(set(answers[0] + answers[1])) == 1


@pytest.mark.parametrize("repeat", ["median", -1, 3, 1.0, None, True])
def test_repeats_that_there_are_not(record_file: Path, repeat: Any) -> None:
    with pytest.raises(OutOfDomainError, match="0 to 2"):
        NASBench(record_file, repeat=repeat)


def test_means_best_and_regret(table: NASBench) -> None:
    means = table.mean(table.cells)
    for row, cell in enumerate(table.cells):
        trainings = table.get_metrics_from_spec(cell)[1][108]
        expected = np.mean([training["final_test_accuracy"] for training in trainings])
        assert means["test_accuracy"][row] == pytest.approx(expected, abs=1e-12)
        assert table.mean(cell)["test_accuracy"] == means["test_accuracy"][row]
    best, value = table.best("test_accuracy")
    assert value == means["test_accuracy"].max()
    assert table.regret(best) == 0.0
    regrets = table.regret(table.cells)
    np.testing.assert_allclose(regrets, value - means["test_accuracy"])
    assert table.regret(table.cells[5]) == regrets[5]
    assert table.best("validation_accuracy", epochs=4)[0] in table
    with pytest.raises(OutOfDomainError, match="metric among"):
        table.best("loss")  # type: ignore[arg-type]


def test_cells_do_not_keep_a_table_and_may_meet_another(record_file: Path) -> None:
    cell = Cell(LINE.matrix, list(LINE.operations or ()))
    table = NASBench(record_file, repeat=0)
    accuracy = table.query(cell)["test_accuracy"]
    gone = weakref.ref(table)
    del table
    gc.collect()
    assert gone() is None
    assert NASBench(record_file, repeat=0).query(cell)["test_accuracy"] == accuracy
