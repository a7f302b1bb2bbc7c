"""From the rows of a record file to the columns of a table, with a look at every row."""

from __future__ import annotations

import json
import re
from binascii import a2b_base64
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn

import numpy as np

from keras_glove.benchmarks.nasbench101.canonical import all_classes
from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.columns import METRICS, STAGES, Columns, Header
from keras_glove.benchmarks.nasbench101.decoding import decode_all
from keras_glove.benchmarks.nasbench101.rows import EXPECTED
from keras_glove.errors import CellError, RecordError

__all__ = ["Collector"]

Array = np.ndarray[Any, Any]

_HASH: Final = re.compile(r"[0-9a-f]{32}")


class _Known(NamedTuple):
    """What is known of a cell since its first row."""

    number: int
    adjacency: str
    operations: str
    code: int


class Collector:
    """Gathers rows, chunk by chunk; memory grows by 80 bytes a row.

    Args:
        name: of the file, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: dict[str, _Known] = {}
        self._cells: list[Array] = []
        self._epochs: list[Array] = []
        self._values: list[Array] = []
        self._parameters: list[Array] = []
        self._rows = 0

    def add(self, records: Sequence[bytes]) -> None:
        """Takes the next rows.

        Raises:
            RecordError: if one is not a row, or what it says cannot be.
        """
        cells, epochs, texts = [], [], []
        for number, record in enumerate(records, start=self._rows):
            try:
                module_hash, budget, adjacency, operations, text = json.loads(record)
                texts.append(a2b_base64(text))
            except (RecursionError, TypeError, ValueError) as error:
                self._refuse(number, f"expected {EXPECTED}, received {record[:80]!r} ({error})")
            known = self._known.get(module_hash) if type(module_hash) is str else None
            if known is None or known[1:3] != (adjacency, operations):
                known = self._check_cell(module_hash, adjacency, operations, number)
            if type(budget) is not int or budget < 1:
                self._refuse(number, f"expected whole epochs above 0, received {budget!r}")
            cells.append(known.number)
            epochs.append(budget)
        values, parameters = self._checked_metrics(texts)
        self._cells.append(np.array(cells, dtype=np.int32))
        self._epochs.append(np.array(epochs, dtype=np.int32))
        self._values.append(values)
        self._parameters.append(parameters)
        self._rows += len(records)

    def _check_cell(self, given: Any, adjacency: Any, operations: Any, row: int) -> _Known:
        if not all(isinstance(field, str) for field in (given, adjacency, operations)):
            self._refuse(row, f"expected {EXPECTED}, received {[given, adjacency, operations]}")
        size = round(len(adjacency) ** 0.5)
        if not _HASH.fullmatch(given):
            self._refuse(row, f"expected 32 hexadecimal digits, received the hash {given!r}")
        if size * size != len(adjacency) or set(adjacency) - {"0", "1"}:
            self._refuse(row, f"expected the digits of a square matrix, received {adjacency!r}")
        digits = [int(digit) for digit in adjacency]
        matrix = [digits[start : start + size] for start in range(0, len(digits), size)]
        try:
            cell = Cell(matrix, operations.split(","))
        except CellError as error:
            self._refuse(row, str(error))
        if not cell.is_valid or cell.num_vertices != size:
            self._refuse(row, f"expected a pruned cell, received {cell.problem or adjacency}")
        if cell.hash != given:
            self._refuse(
                row, f"expected the hash {cell.hash} of its cell, received {given}, a wrong one"
            )
        number = self._known[given].number if given in self._known else len(self._known)
        return self._known.setdefault(given, _Known(number, adjacency, operations, cell.code))

    def _checked_metrics(self, texts: Sequence[bytes]) -> tuple[Array, Array]:
        """Of each row its time and accuracies at half and at the end, `(rows, 2, 4)`."""
        try:
            evaluations, parameters = decode_all(texts)
        except RecordError as error:
            index: int = error.args[1]
            self._refuse(self._rows + index, error.args[0])
        values = evaluations[:, 1:, 1:]
        times, accuracies = values[:, :, 0], values[:, :, 1:]
        self._check(np.isfinite(times) & (times >= 0), "seconds of at least 0", times)
        self._check((accuracies >= 0) & (accuracies <= 1), "accuracies from 0 to 1", accuracies)
        self._check(parameters[:, None] > 0, "a number of parameters above 0", parameters[:, None])
        return values, parameters

    def _check(self, right: Array, expected: str, received: Array) -> None:
        rows = right.reshape(len(right), -1).all(axis=1)
        if not rows.all():
            row = int(np.argmin(rows))
            self._refuse(
                self._rows + row, f"expected {expected}, received {received[row].tolist()}"
            )

    def _refuse(self, row: int, message: str) -> NoReturn:
        raise RecordError(f"{self._name}: row {row}: {message}.")

    def finish(self, source: Mapping[str, Any]) -> Columns:
        """The columns of all rows.

        Raises:
            RecordError: if a cell lacks a training that others have, or has more.
        """
        cells, epochs = np.concatenate(self._cells), np.concatenate(self._epochs)
        budgets, places = np.unique(epochs, return_inverse=True)
        trainings = cells.astype(np.int64) * len(budgets) + places
        repeats = self._check_repeats(trainings, budgets)
        # Stable, so that repeats stay in the order of the file.
        order = np.argsort(trainings, kind="stable")
        shape = (len(self._known), len(budgets), repeats)
        by_hash = np.array([self._known[name].number for name in sorted(self._known)])
        arrays = self._cell_columns(cells, by_hash)
        values = np.concatenate(self._values)
        for s, stage in enumerate(STAGES):
            for m, metric in enumerate(METRICS):
                column = _shrunk(values[order, s, m]) if m else values[order, s, m]
                arrays[f"{stage}_{metric}"] = column.reshape(shape)[by_hash]
        arrays["index_code"], arrays["index_row"] = _index(arrays["code"])
        return Columns(Header(tuple(budgets.tolist()), repeats, source), arrays)

    def _check_repeats(self, trainings: Array, budgets: Array) -> int:
        """How often each cell was trained at each budget."""
        counts = np.bincount(trainings, minlength=len(self._known) * len(budgets))
        often = Counter(counts.tolist())
        repeats: int = max(often, key=lambda count: (often[count], count))
        wrong = np.flatnonzero(counts != repeats)
        if len(wrong):
            cell, budget = divmod(int(wrong[0]), len(budgets))
            name = list(self._known)[cell]
            rows = np.flatnonzero(trainings == wrong[0])
            row = (
                int(rows[-1])
                if len(rows)
                else int(np.flatnonzero(trainings // len(budgets) == cell)[-1])
            )
            self._refuse(
                row,
                f"expected {repeats} trainings of the cell {name} at {budgets[budget]} epochs, as "
                f"of most others, received {len(rows)} (this is the last row of it)",
            )
        return repeats

    def _cell_columns(self, cells: Array, by_hash: Array) -> dict[str, Array]:
        names = "".join(sorted(self._known))
        codes = np.array([known.code for known in self._known.values()], dtype=np.uint32)
        _, first = np.unique(cells, return_index=True)
        parameters = np.concatenate(self._parameters)[first]
        return {
            "code": codes[by_hash],
            "parameters": parameters[by_hash],
            "digest": np.frombuffer(bytes.fromhex(names), dtype=np.uint8).reshape(-1, 16),
        }


def _shrunk(column: Array) -> Array:
    """As float32, where that loses nothing: the official accuracies are float32."""
    small = column.astype(np.float32)
    return small if (small == column).all() else column


def _index(codes: Array) -> tuple[Array, Array]:
    """All codes of the classes of some cells, ascending, and which cell each belongs to."""
    classes = all_classes()
    row_of_class = np.full(len(classes.canonical), -1, dtype=np.int32)
    row_of_class[classes.members[np.searchsorted(classes.codes, codes)]] = np.arange(len(codes))
    rows = row_of_class[classes.members]
    return classes.codes[rows >= 0], rows[rows >= 0]
