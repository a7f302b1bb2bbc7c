"""Many cells at once, as an array of their codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, overload

import numpy as np

from keras_glove.benchmarks.nasbench101.batches import INVALID, codes_of_matrices, unpack
from keras_glove.benchmarks.nasbench101.canonical import Codes, all_classes
from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.limits import MAX_VERTICES
from keras_glove.errors import CellError, OutOfDomainError

__all__ = ["CellArray", "enumerate_cells"]

_MANY: Final = 20_000  # so many that it pays to tell isomorphic cells, which takes half a second

Flags = np.ndarray[Any, np.dtype[np.bool_]]


class CellArray(Sequence[Cell]):
    """A sequence of pruned cells, four bytes each; cells that are not valid keep their place.

    Args:
        codes: the codes of pruned cells, as `Cell.code` gives them.

    >>> cells = enumerate_cells(4)
    >>> len(cells), cells[0]
    (91, Cell([[0, 1], [0, 0]], ['input', 'output']))
    >>> cells[cells.num_edges == 6].num_vertices.tolist()
    [4, 4, 4, 4, 4, 4, 4, 4, 4]
    """

    def __init__(self, codes: Iterable[int] | Codes) -> None:
        self.codes: Codes = np.asarray(codes, dtype=np.uint32)

    @classmethod
    def of_cells(cls, cells: Iterable[Cell]) -> CellArray:
        """The pruned forms of cells."""
        return cls([cell.code if cell.is_valid else INVALID for cell in cells])

    @classmethod
    def of_matrices(cls, matrices: Any, labels: Any) -> CellArray:
        """Prunes and checks many cells at once.

        Args:
            matrices: the adjacency matrices, `(cells, vertices, vertices)`, zeros and ones,
                upper triangular.
            labels: `(cells, vertices - 2)`, for each interior vertex the place of its
                operation in `OPERATIONS`: 0, 1 or 2.

        Raises:
            CellError: for other shapes or entries. Cells outside the limits of the benchmark
                are no error: `valid` tells them.
        """
        return cls(codes_of_matrices(matrices, labels))

    @property
    def valid(self) -> Flags:
        """Which cells are within the limits of the benchmark."""
        flags: Flags = self.codes != INVALID
        return flags

    @property
    def num_vertices(self) -> np.ndarray[Any, np.dtype[np.int8]]:
        """The vertices of each pruned cell; 0 where it is not valid."""
        return unpack(self.codes).num_vertices

    @property
    def num_edges(self) -> np.ndarray[Any, np.dtype[np.int8]]:
        """The edges of each pruned cell; 0 where it is not valid."""
        return np.bitwise_count(unpack(self.codes).bits).astype(np.int8)

    def check(self) -> None:
        """Raises `OutOfDomainError` if there is a cell that is not valid."""
        if not self.valid.all():
            wrong = np.flatnonzero(~self.valid)
            raise OutOfDomainError(
                f"expected cells of NAS-Bench-101, received {len(wrong)} of {len(self)} that are "
                f"not, the first at index {wrong[0]}. Take `cells[cells.valid]`."
            )

    def canonical(self) -> CellArray:
        """For each cell the isomorphic one that the official generator has."""
        self.check()
        classes = all_classes(MAX_VERTICES)
        places = np.searchsorted(classes.codes, self.codes)
        return CellArray(classes.canonical[classes.members[places]])

    def hashes(self) -> np.ndarray[Any, np.dtype[np.str_]]:
        """The official hash of each cell, as an array of texts.

        About 20,000 different ones a second; a table, which has all hashes, gives them much
        faster.
        """
        # Of many cells most are isomorphic to others, unless somebody chose them.
        many = len(self) > _MANY
        self.check()
        codes, places = np.unique((self.canonical() if many else self).codes, return_inverse=True)
        hashes = [cell.hash for cell in CellArray(codes)]
        return np.array(hashes, dtype="U32")[places]

    @overload
    def __getitem__(self, index: int) -> Cell: ...
    @overload
    def __getitem__(self, index: Any) -> CellArray: ...
    def __getitem__(self, index: Any) -> Cell | CellArray:
        chosen = self.codes[index]
        if chosen.ndim:
            return CellArray(chosen)
        if chosen == INVALID:
            raise CellError(f"expected a valid cell at index {index}; only its place was kept.")
        return Cell.of_code(int(chosen))

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Cell]:
        self.check()
        for start in range(0, len(self), 4096):
            yield from unpack(self.codes[start : start + 4096]).cells()

    def __repr__(self) -> str:
        invalid = len(self) - int(self.valid.sum())
        return f"CellArray({len(self)} cells{f', {invalid} of them not valid' if invalid else ''})"


def enumerate_cells(max_vertices: int = MAX_VERTICES) -> CellArray:
    """All cells of the benchmark, isomorphic ones once, in the order of the official generator.

    Args:
        max_vertices: the largest number of vertices, 2 to 7.

    Raises:
        CellError: for another number.

    >>> [len(enumerate_cells(n)) for n in (2, 3, 4, 5)]
    [1, 7, 91, 2532]
    """
    if max_vertices not in range(2, MAX_VERTICES + 1):
        raise CellError(f"expected max_vertices from 2 to {MAX_VERTICES}, received {max_vertices}.")
    return CellArray(all_classes(int(max_vertices)).canonical)
