"""Small tables of drawn numbers, in the official format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_glove.benchmarks.nasbench101 import Cell, count_parameters, enumerate_cells
from keras_glove.benchmarks.nasbench101.metrics import Evaluation, Metrics
from keras_glove.benchmarks.nasbench101.records import frame_all
from keras_glove.benchmarks.nasbench101.rows import format_row


def drawn_metrics(cell: Cell, epochs: int, rng: np.random.Generator) -> Metrics:
    """Metrics of a training that never was; accuracies are float32 as in the official file."""
    accuracies = (rng.integers(900, 9985, (3, 3)) / 9984).astype(np.float32).astype(float)
    seconds = [0.0, *np.sort(rng.uniform(1, 2000, 2))]
    evaluations = [
        Evaluation(epochs * part / 2, float(seconds[part]), *accuracies[part].tolist())
        for part in range(3)
    ]
    return Metrics(tuple(evaluations), count_parameters(cell), float(seconds[2]) + 9.5)


def rows_of(
    cells: Iterable[Cell] | None = None,
    epochs: Sequence[int] = (4, 108),
    repeats: int = 3,
    seed: int = 0,
) -> list[bytes]:
    """The rows of a table: by hash, budget and repeat."""
    rng = np.random.default_rng(seed)
    chosen = enumerate_cells(4) if cells is None else cells
    return [
        format_row(cell, budget, drawn_metrics(cell, budget, rng))
        for cell in sorted(chosen, key=lambda cell: cell.hash)
        for budget in epochs
        for _ in range(repeats)
    ]


def write_table(path: Path, rows: Sequence[bytes] | None = None, **options: Any) -> Path:
    """A record file."""
    path.write_bytes(frame_all(rows_of(**options) if rows is None else rows))
    return path
