"""Making a table: training cells for real, and writing down what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from rich.progress import Progress

from keras_glove.benchmarks.nasbench101.cell_array import CellArray
from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.limits import NUM_REPEATS
from keras_glove.benchmarks.nasbench101.locking import locked
from keras_glove.benchmarks.nasbench101.metrics import Metrics
from keras_glove.benchmarks.nasbench101.records import OVERHEAD, frame, read_records
from keras_glove.benchmarks.nasbench101.rows import format_row, parse_row
from keras_glove.errors import OutOfDomainError, RecordError

__all__ = ["TrainFn", "build_table"]

TrainFn = Callable[[Cell, int, int], Metrics]
"""`train_fn(cell, epochs, repeat)`: trains a cell anew and tells what came of it."""


class _Training(NamedTuple):
    cell: Cell
    epochs: int
    repeat: int


def build_table(
    cells: Iterable[Cell],
    train_fn: TrainFn,
    repeats: int = NUM_REPEATS,
    epochs: Sequence[int] = (4, 12, 36, 108),
    *,
    path: str | os.PathLike[str],
    progress: bool = True,
) -> Path:
    """Trains cells for real and writes a record file of the official format.

    Each training is written down as soon as it has ended, to `path` with ".partial" behind it.
    The same call after a kill goes on with the first training that is not there, so `train_fn`
    should draw what is random from its arguments; the whole file gets its name at the end.

    Args:
        cells: valid cells; isomorphic ones are trained once.
        train_fn: `train_fn(cell, epochs, repeat)` trains a cell from new weights for some
            epochs, and returns its `Metrics`: evaluations before the training, at half its
            epochs and at its end. Repeats count from 0. Calls for one cell follow each other.
        repeats: how often each cell is trained at each budget.
        epochs: the budgets, in epochs.
        path: of the record file.
        progress: shows a bar on a terminal.

    Returns:
        The path. `NASBench(path)` opens it.

    Raises:
        OutOfDomainError: if a cell is not valid, or there are no cells, repeats or epochs.
        RecordError: if there is a file already, whole or in part, of other trainings; or if
            `train_fn` returns metrics that are not of three evaluations.
    """
    target = Path(path)
    trainings = _plan(cells, repeats, epochs)
    with locked(target):
        if target.exists():
            _count_done(target, trainings, whole=True)
            return target
        partial = target.with_name(target.name + ".partial")
        done = _count_done(partial, trainings, whole=False) if partial.exists() else 0
        with open(partial, "ab") as stream:
            _train(stream, trainings[done:], done, train_fn, progress)
        os.replace(partial, target)
    return target


def _plan(cells: Iterable[Cell], repeats: int, epochs: Sequence[int]) -> list[_Training]:
    """All trainings in the order in which the official file has them: by hash."""
    given = cells if isinstance(cells, CellArray) else CellArray.of_cells(cells)
    if not len(given) or repeats < 1 or not epochs:
        raise OutOfDomainError(
            f"expected at least one cell, one repeat and one budget, received {len(given)} cells, "
            f"{repeats} repeats and the epochs {list(epochs)}."
        )
    different = {cell.hash: cell for cell in given.canonical()}
    return [
        _Training(different[name], budget, repeat)
        for name in sorted(different)
        for budget in epochs
        for repeat in range(repeats)
    ]


def _count_done(path: Path, trainings: Sequence[_Training], *, whole: bool) -> int:
    """How many trainings a file has; what a kill left of the next one is cut off."""
    done, end = 0, 0
    for row, stop in _rows_of(path, whole=whole):
        expected = trainings[done] if done < len(trainings) else None
        if expected is None or row != (expected.cell.hash, expected.epochs):
            raise _other_trainings(path, done)
        done, end = done + 1, stop
    if whole and done < len(trainings):
        raise _other_trainings(path, done)
    if not whole:
        os.truncate(path, end)
    return done


def _rows_of(path: Path, *, whole: bool) -> Iterator[tuple[tuple[str, int], int]]:
    with open(path, "rb") as stream:
        try:
            for chunk in read_records(stream, str(path)):
                end = chunk.end - sum([len(record) + OVERHEAD for record in chunk.records])
                for record in chunk.records:
                    end += len(record) + OVERHEAD
                    row = parse_row(record)
                    yield (row.module_hash, row.epochs), end
        except RecordError:
            if whole:
                raise


def _other_trainings(path: Path, row: int) -> RecordError:
    return RecordError(
        f"expected {path} to hold the trainings that were asked for, but row {row} is another or "
        "is missing. It was made with other cells, repeats or epochs: give another path, or move "
        "the file away."
    )


def _train(
    stream: BinaryIO, trainings: Sequence[_Training], done: int, train_fn: TrainFn, show: bool
) -> None:
    with Progress(disable=not show) as progress:
        total = done + len(trainings)
        task = progress.add_task("training cells", total=total, completed=done)
        for training in trainings:
            metrics = train_fn(*training)
            if not isinstance(metrics, Metrics) or len(metrics.evaluations) != 3:
                raise RecordError(
                    "expected train_fn to return Metrics of three evaluations (before the "
                    f"training, at half its epochs, at its end), received {metrics!r}."
                )
            stream.write(frame(format_row(training.cell, training.epochs, metrics)))
            stream.flush()
            progress.advance(task)
