"""`NASBench`: the table, asked as the official one is, and in further ways."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, KeysView, Mapping, Sequence
from typing import Any, Literal, overload

import numpy as np

from keras_glove.benchmarks.nasbench101.cell_array import CellArray, enumerate_cells
from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.columns import ACCURACIES, METRICS, STAGES, Columns
from keras_glove.benchmarks.nasbench101.conversion import open_table
from keras_glove.benchmarks.nasbench101.limits import MAX_EDGES, MAX_VERTICES, OPERATIONS
from keras_glove.benchmarks.nasbench101.lookup import Lookup
from keras_glove.benchmarks.nasbench101.statistics import ComputedStatistics, FixedStatistics
from keras_glove.errors import OutOfDomainError

__all__ = ["NASBench", "Repeat"]

Array = np.ndarray[Any, Any]
Metric = Literal["train_accuracy", "validation_accuracy", "test_accuracy"]

Repeat = int | Literal["random", "mean"]
"""Which training of a cell is meant: one by its number, one drawn at random, or their mean."""


class NASBench:
    """The table of a record file, with the methods of the official `NASBench`.

    The record file is converted once, into a file beside it or in the user's cache, which then
    opens at once. A query is answered from one of the trainings of the cell, and counters tell
    the seconds and epochs that it would have cost.

    Args:
        dataset_file: a record file, such as `nasbench_only108.tfrecord` or
            `nasbench_full.tfrecord`, or a table that was converted from one.
        seed: of the generator that draws the training; None draws one.
        repeat: which training answers a query: "random", as in the official library; or, so
            that the same query always has the same answer, a number, 0 for the first, or
            "mean".
        folder: to keep the converted table in; see `table_path`.
        progress: shows a bar while converting.

    Attributes:
        columns: the numbers themselves.
        valid_epochs: the budgets that the table has, in epochs.
        training_time_spent: seconds of training that the queries so far stand for.
        total_epochs_spent: and epochs.

    Raises:
        TableError: if a file cannot be read or written.
        RecordError: if the record file is damaged, incomplete, or of another format.
        OutOfDomainError: for a `repeat` that there is not.
    """

    def __init__(
        self,
        dataset_file: str | os.PathLike[str],
        seed: int | None = None,
        *,
        repeat: Repeat = "random",
        folder: str | os.PathLike[str] | None = None,
        progress: bool = True,
    ) -> None:
        self._begin(open_table(dataset_file, folder, progress=progress), seed, repeat)

    @classmethod
    def of_columns(
        cls, columns: Columns, seed: int | None = None, *, repeat: Repeat = "random"
    ) -> NASBench:
        """The table of some columns."""
        self = cls.__new__(cls)
        self._begin(columns, seed, repeat)
        return self

    def _begin(self, columns: Columns, seed: int | None, repeat: Repeat) -> None:
        header = columns.header
        self.columns = columns
        self.valid_epochs = set(header.epochs)
        self.training_time_spent = 0.0
        self.total_epochs_spent = 0
        self._lookup = Lookup(columns)
        self._known_means: dict[tuple[str, int], Array] = {}
        self._num_repeats = header.num_repeats
        self._averaged = self._checked(repeat) == "mean"
        self._fixed = repeat if isinstance(repeat, int) else None
        # As bound methods and plain integers, which a query needs often.
        self._getrandbits = self._generator(seed).getrandbits
        self._bits = self._num_repeats.bit_length()
        self._stride = len(header.epochs) * self._num_repeats
        self._places = {budget: e * self._num_repeats for e, budget in enumerate(header.epochs)}

    def _generator(self, seed: int | None) -> Any:
        """What draws the trainings: anything with the method `getrandbits`."""
        return random.Random(seed)

    # -- as in the official library ------------------------------------------------

    @property
    def config(self) -> dict[str, Any]:
        """The limits of the benchmark and the number of repeats, by their official names."""
        return {
            "module_vertices": MAX_VERTICES,
            "max_edges": MAX_EDGES,
            "available_ops": list(OPERATIONS),
            "num_repeats": self._num_repeats,
        }

    @property
    def fixed_statistics(self) -> Mapping[str, dict[str, Any]]:
        """For each hash its cell's matrix, operations and parameters."""
        return FixedStatistics(self._lookup)

    @property
    def computed_statistics(self) -> Mapping[str, dict[int, list[dict[str, float]]]]:
        """For each hash and budget a list of what came of each training."""
        return ComputedStatistics(self._lookup, self.columns.header)

    def query(
        self, model_spec: Cell, epochs: int = 108, stop_halfway: bool = False
    ) -> dict[str, Any]:
        """One training of a cell, or of the isomorphic cell that the table has.

        Args:
            model_spec: the cell.
            epochs: one of the budgets of the table.
            stop_halfway: the state at half the epochs, for what it cost so far.

        Returns:
            "module_adjacency" and "module_operations" of the cell that the table has,
            "trainable_parameters", "training_time" in seconds, and "train_accuracy",
            "validation_accuracy" and "test_accuracy", fractions from 0 to 1.

        Raises:
            OutOfDomainError: if the table lacks these epochs or the cell, or it is not valid.
        """
        place = self._place(epochs)
        lookup = self._lookup
        _, row, matrix, operations, parameters = lookup.facts(model_spec)
        seconds, train, validation, test = self._values(
            lookup.stages[not stop_halfway], row * self._stride + place
        )
        self.training_time_spent += seconds
        self.total_epochs_spent += epochs // 2 if stop_halfway else epochs
        return {
            "module_adjacency": matrix.copy(),
            "module_operations": [*operations],
            "trainable_parameters": parameters,
            "training_time": seconds,
            "train_accuracy": train,
            "validation_accuracy": validation,
            "test_accuracy": test,
        }

    def is_valid(self, model_spec: Cell) -> bool:
        """Whether a cell is within the limits of the benchmark; costs nothing."""
        return model_spec.is_valid

    def get_budget_counters(self) -> tuple[float, int]:
        """The seconds and epochs of training that the queries so far stand for."""
        return self.training_time_spent, self.total_epochs_spent

    def reset_budget_counters(self) -> None:
        """Begins to count anew."""
        self.training_time_spent = 0.0
        self.total_epochs_spent = 0

    def hash_iterator(self) -> KeysView[str]:
        """The hashes of all cells."""
        return self.fixed_statistics.keys()

    def get_metrics_from_hash(
        self, module_hash: str
    ) -> tuple[dict[str, Any], dict[int, list[dict[str, float]]]]:
        """The fixed and the computed statistics of a hash; costs nothing.

        Raises:
            UnknownHashError: if the table does not have it.
        """
        return self.fixed_statistics[module_hash], self.computed_statistics[module_hash]

    def get_metrics_from_spec(
        self, model_spec: Cell
    ) -> tuple[dict[str, Any], dict[int, list[dict[str, float]]]]:
        """The same of a cell; raises `OutOfDomainError` as `query` does."""
        return self.get_metrics_from_hash(self.hash_of(model_spec))

    # -- what it lacks -------------------------------------------------------------

    @property
    def cells(self) -> CellArray:
        """The cells that the table has, in ascending order of their hashes."""
        return CellArray(self.columns.arrays["code"])

    @property
    def complete_up_to(self) -> int:
        """The number of vertices up to which the table has every cell of the benchmark."""
        sizes = np.bincount(self.cells.num_vertices, minlength=MAX_VERTICES + 1)
        all_sizes = np.bincount(enumerate_cells().num_vertices, minlength=MAX_VERTICES + 1)
        missing = np.flatnonzero(sizes != all_sizes)
        return int(missing[0]) - 1 if len(missing) else MAX_VERTICES

    def again(self, seed: int | None = None) -> NASBench:
        """The same table with nothing spent, and a generator of its own."""
        other = NASBench.of_columns(self.columns, seed)
        other._averaged, other._fixed = self._averaged, self._fixed
        return other

    def index(self, cell: Cell) -> int:
        """The place of a cell, or of its isomorphic one, among `cells`; costs nothing.

        Raises:
            OutOfDomainError: if the cell is not valid or not in the table.
        """
        return self._lookup.row(cell)

    def __len__(self) -> int:
        return len(self._lookup)

    def __contains__(self, cell: object) -> bool:
        try:
            return isinstance(cell, Cell) and self._lookup.row(cell) >= 0
        except OutOfDomainError:
            return False

    def hash_of(self, cell: Cell) -> str:
        """The hash of a cell, without computing it.

        Raises:
            OutOfDomainError: if it is not valid or not in the table.
        """
        return self._lookup.hash_of(self._lookup.row(cell))

    def hashes(self, cells: Iterable[Cell]) -> np.ndarray[Any, np.dtype[np.str_]]:
        """The hashes of many cells, without computing them.

        Raises:
            OutOfDomainError: if one is not valid or not in the table.
        """
        return self._lookup.hashes(self._lookup.rows(cells))

    def query_many(
        self, cells: Iterable[Cell], epochs: int = 108, stop_halfway: bool = False
    ) -> dict[str, Array]:
        """What as many calls of `query` give and cost, as arrays of shape `(cells,)`.

        Args:
            cells: fastest as a `CellArray`.
            epochs, stop_halfway: as for `query`.

        Returns:
            "trainable_parameters", "training_time" in seconds, and "train_accuracy",
            "validation_accuracy" and "test_accuracy", fractions from 0 to 1.

        Raises:
            OutOfDomainError: as `query`; nothing is counted then.
        """
        place = self._place(epochs) // self._num_repeats
        rows = self._lookup.rows(cells)
        arrays, stage = self.columns.arrays, STAGES[not stop_halfway]
        answer = {"trainable_parameters": arrays["parameters"][rows]}
        if self._averaged:
            answer |= self._means(rows, place, stage)
        else:
            repeats = np.array([self._draw() for _ in rows], dtype=np.intp)
            answer |= {name: arrays[f"{stage}_{name}"][rows, place, repeats] for name in METRICS}
        self.training_time_spent += float(answer["training_time"].sum())
        self.total_epochs_spent += len(rows) * (epochs // 2 if stop_halfway else epochs)
        return answer

    @overload
    def mean(
        self, cells: Cell, epochs: int = ..., stop_halfway: bool = ...
    ) -> dict[str, float]: ...
    @overload
    def mean(
        self, cells: Iterable[Cell], epochs: int = ..., stop_halfway: bool = ...
    ) -> dict[str, Array]: ...
    def mean(
        self, cells: Cell | Iterable[Cell], epochs: int = 108, stop_halfway: bool = False
    ) -> dict[str, Any]:
        """Time and accuracies of a cell, or of each of many, averaged over repeats; costs nothing.

        Args:
            cells: one cell, or many, which give arrays of shape `(cells,)`.
            epochs, stop_halfway: as for `query`.

        Raises:
            OutOfDomainError: as `query`.
        """
        place = self._place(epochs) // self._num_repeats
        many = [cells] if isinstance(cells, Cell) else cells
        means = self._means(self._lookup.rows(many), place, STAGES[not stop_halfway])
        if isinstance(cells, Cell):
            return {name: float(column[0]) for name, column in means.items()}
        return means

    def best(self, metric: Metric = "test_accuracy", epochs: int = 108) -> tuple[Cell, float]:
        """The cell with the highest mean over repeats at the end of training, and this mean.

        Raises:
            OutOfDomainError: if the table lacks these epochs, or for an unknown metric.
        """
        means = self._all_means(metric, epochs)
        row = int(means.argmax())
        return self.cells[row], float(means[row])

    @overload
    def regret(self, cells: Cell, metric: Metric = ..., epochs: int = ...) -> float: ...
    @overload
    def regret(self, cells: Iterable[Cell], metric: Metric = ..., epochs: int = ...) -> Array: ...
    def regret(
        self,
        cells: Cell | Iterable[Cell],
        metric: Metric = "test_accuracy",
        epochs: int = 108,
    ) -> Any:
        """How much less than the best a cell reaches, or each of many, in means over repeats.

        Raises:
            OutOfDomainError: as `query`, or for an unknown metric.
        """
        means = self._all_means(metric, epochs)
        if isinstance(cells, Cell):
            return float(means.max() - means[self._lookup.row(cells)])
        return means.max() - means[self._lookup.rows(cells)]

    # -- helpers -------------------------------------------------------------------

    def _place(self, epochs: int) -> int:
        """Where the trainings of a budget begin among those of a cell."""
        try:
            return self._places[epochs]
        except (KeyError, TypeError):
            known = ", ".join(map(str, self.columns.header.epochs))
            raise OutOfDomainError(
                f"expected epochs among {known}, the budgets of the table, received {epochs!r}."
            ) from None

    def _values(self, columns: tuple[memoryview, ...], first: int) -> Sequence[float]:
        """One training of those that begin at a place of the columns, or their mean."""
        if self._averaged:
            places = range(first, first + self._num_repeats)
            return [sum([column[at] for at in places]) / self._num_repeats for column in columns]
        place = first + self._draw()
        seconds, train, validation, test = columns
        return seconds[place], train[place], validation[place], test[place]

    def _means(self, rows: Array, place: int, stage: str) -> dict[str, Array]:
        arrays = self.columns.arrays
        return {
            name: arrays[f"{stage}_{name}"][rows, place].mean(axis=-1, dtype=np.float64)
            for name in METRICS
        }

    def _all_means(self, metric: str, epochs: int) -> Array:
        if metric not in ACCURACIES:
            expected = ", ".join(ACCURACIES)
            raise OutOfDomainError(f"expected a metric among {expected}, received {metric!r}.")
        key = (metric, self._place(epochs))
        if key not in self._known_means:
            column = self.columns.arrays[f"final_{metric}"][:, key[1] // self._num_repeats]
            self._known_means[key] = column.mean(axis=-1, dtype=np.float64)
        return self._known_means[key]

    def _draw(self) -> int:
        """The number of a training, as `random.randint` draws it, in a fraction of its time."""
        if self._fixed is not None:
            return self._fixed
        repeat: int = self._getrandbits(self._bits)
        while repeat >= self._num_repeats:
            repeat = self._getrandbits(self._bits)
        return repeat

    def _checked(self, repeat: Repeat) -> Repeat:
        known = isinstance(repeat, str) and repeat in ("random", "mean")
        if known or (type(repeat) is int and 0 <= repeat < self._num_repeats):
            return repeat
        raise OutOfDomainError(
            f"expected repeat to be 'random', 'mean' or a number from 0 to "
            f"{self._num_repeats - 1}, received {repeat!r}."
        )
