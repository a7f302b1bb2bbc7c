"""Finding cells in a table, and telling what it has of them."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_glove.benchmarks.nasbench101.cell_array import CellArray
from keras_glove.benchmarks.nasbench101.cells import Cell, Matrix
from keras_glove.benchmarks.nasbench101.columns import METRICS, STAGES, Columns
from keras_glove.benchmarks.nasbench101.graphs import OFFSETS, POWERS, graph_of_code, matrix_of
from keras_glove.benchmarks.nasbench101.limits import INPUT, OPERATIONS, OUTPUT
from keras_glove.errors import OutOfDomainError, UnknownHashError

__all__ = ["Facts", "Lookup", "as_cells"]

Array = np.ndarray[Any, Any]

Facts = tuple[Any, ...]
"""The token of a table, and of a cell in it the row, matrix, operations and parameters."""


def as_cells(cells: Iterable[Cell]) -> CellArray:
    """The cells as an array."""
    return cells if isinstance(cells, CellArray) else CellArray.of_cells(cells)


class Lookup:
    """The rows of a table by cell and by hash.

    Args:
        columns: of the table.

    Attributes:
        token: what cells remember of the table, without keeping it alive.
        stages: for half of a training and for its end the columns of `METRICS`, flat: training
            r at the budget of place e stands at `(row * budgets + e) * repeats + r`.
    """

    def __init__(self, columns: Columns) -> None:
        arrays = columns.arrays
        self._arrays = arrays
        self._codes = arrays["index_code"].data
        self._rows = arrays["index_row"].data
        self._stored_codes = arrays["code"].data
        self._parameters = arrays["parameters"].data
        self._digests = arrays["digest"].view("S16")[:, 0]
        self.token = object()
        self._shapes: dict[int, Matrix] = {}
        self._operations: dict[tuple[int, int], tuple[str, ...]] = {}
        self.stages = tuple(
            [
                tuple([arrays[f"{stage}_{name}"].reshape(-1).data for name in METRICS])
                for stage in STAGES
            ]
        )

    def __len__(self) -> int:
        return len(self._stored_codes)

    def row(self, cell: Cell) -> int:
        """The row of a cell, or of its isomorphic one; the cell remembers it.

        Raises:
            OutOfDomainError: if the cell is not valid or not in the table.
        """
        seen = cell._seen
        if seen is not None and seen[0] is self.token:
            known: int = seen[1]
            return known
        code = cell.code
        place = bisect.bisect_left(self._codes, code)
        if place == len(self._codes) or self._codes[place] != code:
            raise OutOfDomainError(
                f"expected one of the {len(self)} cells of the table, received a valid cell that "
                f"it does not have: {cell!r}."
            )
        row: int = self._rows[place]
        cell._seen = (self.token, row, None, None, None)
        return row

    def facts(self, cell: Cell) -> Facts:
        """The row of a cell and what `query` tells of it besides its metrics; remembered.

        Raises:
            OutOfDomainError: as `row`.
        """
        seen = cell._seen
        if seen is None or seen[0] is not self.token or seen[2] is None:
            row = self.row(cell)
            matrix, operations = self._parts(row)
            seen = cell._seen = (self.token, row, matrix, operations, self.parameters(row))
        return seen

    def rows(self, cells: Iterable[Cell]) -> Array:
        """The rows of many cells, int32.

        Raises:
            OutOfDomainError: if one is not valid or not in the table.
        """
        array = as_cells(cells)
        array.check()
        known = self._arrays["index_code"]
        places = np.minimum(np.searchsorted(known, array.codes), len(known) - 1)
        missing = np.flatnonzero(known[places] != array.codes)
        if len(missing):
            raise OutOfDomainError(
                f"expected cells of the table, which has {len(self)}; received {len(missing)} of "
                f"{len(array)} that it does not have, the first at index {missing[0]}."
            )
        rows: Array = self._arrays["index_row"][places]
        return rows

    def row_of_hash(self, module_hash: str) -> int:
        """The row of a hash.

        Raises:
            UnknownHashError: if the table does not have it.
        """
        try:
            digest = np.bytes_(bytes.fromhex(module_hash))
            row = int(np.searchsorted(self._digests, digest))
            if row < len(self) and self.hash_of(row) == module_hash:
                return row
        except (TypeError, ValueError):
            pass
        raise UnknownHashError(
            f"expected one of the {len(self)} hashes of the table, received {module_hash!r}."
        )

    def hash_of(self, row: int) -> str:
        """The hash of a row."""
        digest: bytes = self._arrays["digest"][row].tobytes()
        return digest.hex()

    def hashes(self, rows: Array | slice) -> np.ndarray[Any, np.dtype[np.str_]]:
        """The hashes of many rows."""
        digits = self._arrays["digest"][rows].tobytes().hex().encode()
        return np.frombuffer(digits, dtype="S32").astype("U32")

    def parameters(self, row: int) -> int:
        """The trainable parameters of a row."""
        count: int = self._parameters[row]
        return count

    def stored(self, row: int) -> tuple[Matrix, list[str]]:
        """The matrix and operations of the cell that the table has; the caller's own."""
        matrix, operations = self._parts(row)
        return matrix.copy(), list(operations)

    def _parts(self, row: int) -> tuple[Matrix, tuple[str, ...]]:
        """The same, shared between all that ask."""
        code: int = self._stored_codes[row]
        n = bisect.bisect_right(OFFSETS, code) - 1
        graph, label = divmod(code - OFFSETS[n], POWERS[n])
        matrix = self._shapes.get(OFFSETS[n] + graph)
        operations = self._operations.get((n, label))
        if matrix is None or operations is None:
            parents, labels = graph_of_code(code)
            matrix = matrix_of(parents)
            operations = (INPUT, *[OPERATIONS[place] for place in labels], OUTPUT)
            self._shapes[OFFSETS[n] + graph] = matrix
            self._operations[n, label] = operations
        return matrix, operations
