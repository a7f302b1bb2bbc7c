"""Making tables: resumed after a kill, written in the official format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_glove.benchmarks.nasbench101 import (
    Cell,
    Evaluation,
    Metrics,
    NASBench,
    build_table,
    enumerate_cells,
)
from keras_glove.errors import OutOfDomainError, RecordError
from tests.nasbench101.tables import drawn_metrics

CELLS = enumerate_cells(3)


class Trainer:
    """Trains nothing; dies, as if killed, at a certain call."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.calls: list[tuple[str, int, int]] = []
        self.dies_at = dies_at

    def __call__(self, cell: Cell, epochs: int, repeat: int) -> Metrics:
        if len(self.calls) == self.dies_at:
            raise KeyboardInterrupt
        self.calls.append((cell.hash, epochs, repeat))
        return drawn_metrics(cell, epochs, np.random.default_rng([epochs, repeat, cell.code]))


def _build(path: Path, trainer: Any, cells: Any = CELLS, **options: Any) -> Path:
    return build_table(
        cells, trainer, **{"epochs": (1, 3), "repeats": 2, "progress": False, **options}, path=path
    )


def test_a_table_is_made_and_opens(tmp_path: Path) -> None:
    trainer = Trainer()
    path = _build(tmp_path / "t.tfrecord", trainer)
    hashes = sorted(CELLS.hashes().tolist())
    assert trainer.calls == [(h, e, r) for h in hashes for e in (1, 3) for r in (0, 1)]
    table = NASBench(path, repeat=1)
    assert list(table.hash_iterator()) == hashes
    expected = Trainer()(CELLS[4], 3, 1).evaluations[2]
    answer = table.query(CELLS[4], epochs=3)
    assert answer["test_accuracy"] == expected.test_accuracy
    assert answer["training_time"] == expected.training_time
    assert sorted(p.name for p in tmp_path.iterdir() if "lock" not in p.name) == [
        "t.tfrecord",
        "t.tfrecord.table",
    ]


@pytest.mark.parametrize("dies_at", [0, 1, 11, 27])
@pytest.mark.parametrize("torn", [0, 5, 300])
def test_resumed_is_uninterrupted(tmp_path: Path, dies_at: int, torn: int) -> None:
    whole = _build(tmp_path / "whole", Trainer()).read_bytes()
    path = tmp_path / "t"
    with pytest.raises(KeyboardInterrupt):
        _build(path, Trainer(dies_at))
    assert not path.exists()
    partial = path.with_name("t.partial")
    data = partial.read_bytes()
    partial.write_bytes(data[: max(len(data) - torn, 0)])  # what a crash of the system may leave
    again = Trainer()
    assert _build(path, again).read_bytes() == whole
    assert len(again.calls) == 28 - dies_at + (dies_at > 0 and torn > 0)
    assert not partial.exists()


def test_a_whole_table_is_left_alone(tmp_path: Path) -> None:
    path = _build(tmp_path / "t", Trainer())
    assert _build(path, Trainer(dies_at=0)) == path


@pytest.mark.parametrize(
    "changed", [{"epochs": (1, 4)}, {"repeats": 3}, {"repeats": 1}, {"cells": enumerate_cells(4)}]
)
@pytest.mark.parametrize("dies_at", [None, 9])
def test_other_trainings_in_the_way(tmp_path: Path, changed: Any, dies_at: int | None) -> None:
    path = tmp_path / "t"
    if dies_at is None:
        _build(path, Trainer())
    else:
        with pytest.raises(KeyboardInterrupt):
            _build(path, Trainer(dies_at))
    with pytest.raises(RecordError, match="row"):
        _build(path, Trainer(), **changed)


def test_isomorphic_cells_are_trained_once(tmp_path: Path) -> None:
    trainer = Trainer()
    _build(tmp_path / "t", trainer, cells=[CELLS[3], CELLS[3], CELLS[1]])
    assert len(trainer.calls) == 8


@pytest.mark.parametrize(
    "options",
    [
        {"cells": []},
        {"repeats": 0},
        {"epochs": ()},
        {"cells": [Cell([[0, 0], [0, 0]], ["input", "output"])]},
    ],
)
def test_nothing_to_train(tmp_path: Path, options: Any) -> None:
    with pytest.raises(OutOfDomainError):
        _build(tmp_path / "t", Trainer(), **options)


@pytest.mark.parametrize("metrics", [None, 0.5, Metrics((Evaluation(),) * 2)])
def test_metrics_of_another_form(tmp_path: Path, metrics: Any) -> None:
    with pytest.raises(RecordError, match="three evaluations"):
        _build(tmp_path / "t", lambda *_: metrics)
