"""One cell as small integers: what is read from a matrix, what pruning leaves, and its code.

A graph is the tuple of its *parents*: entry y is a mask in which bit x stands for an edge from
vertex x to vertex y. Edges lead from lower to higher vertices, so every mask is below 2**y.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from keras_glove.benchmarks.nasbench101.limits import MAX_EDGES, MAX_VERTICES, OPERATIONS
from keras_glove.errors import CellError

__all__ = [
    "OFFSETS",
    "POWERS",
    "SHIFTS",
    "Parents",
    "code_of",
    "graph_of_code",
    "kept_vertices",
    "matrix_of",
    "parents_of_edges",
    "prune",
    "read_matrix",
]

Parents = tuple[int, ...]

SHIFTS: Final = tuple([y * (y - 1) // 2 for y in range(MAX_VERTICES)])
"""Where the parents of vertex y begin in the bits of a graph."""

POWERS: Final = tuple([len(OPERATIONS) ** max(n - 2, 0) for n in range(MAX_VERTICES + 1)])
"""For each number of vertices, in how many ways the interior ones can be labelled."""


def _offsets() -> tuple[int, ...]:
    sizes = [0, 0] + [POWERS[n] << (n * (n - 1) // 2) for n in range(2, MAX_VERTICES + 1)]
    return (0, *itertools.accumulate(sizes))


OFFSETS: Final = _offsets()
"""The first code of each number of vertices; the last entry is beyond all codes."""

_COLUMNS: Final = {
    bytes(column): sum(bit << x for x, bit in enumerate(column))
    for n in range(MAX_VERTICES + 1)
    for column in itertools.product((0, 1), repeat=n)
}
"""The mask of each column of zeros and ones that an ordinary matrix can have."""


def read_matrix(matrix: Any) -> Parents:
    """The graph of an adjacency matrix.

    Args:
        matrix: square, nested sequences or an array; zeros and ones, whole floats and
            booleans included; zeros on and below the diagonal.

    Raises:
        CellError: for anything else.
    """
    rows = matrix.tolist() if isinstance(matrix, np.ndarray) else matrix
    try:
        columns = list(zip(*rows, strict=True))
        parents = tuple([_COLUMNS[bytes(column)] for column in columns])
    except (KeyError, TypeError, ValueError):
        return _read_slowly(matrix)
    if len(rows) != len(columns) or not columns:
        raise _not_square(matrix)
    for y, mask in enumerate(parents):
        if mask >> y:
            raise _not_upper_triangular(mask >> y << y, y)
    return parents


def _read_slowly(matrix: Any) -> Parents:
    """For large matrices and floats; tells what is wrong with all others."""
    try:
        array = np.array(matrix)
    except ValueError:  # rows of different lengths
        raise _not_square(matrix) from None
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        raise _not_square(matrix)
    if array.dtype.kind not in "biuf":
        raise CellError(
            f"expected a matrix of zeros and ones, received entries of type {array.dtype}."
        )
    wrong = (array != 0) & (array != 1)
    if wrong.any():
        x, y = (int(i) for i in np.argwhere(wrong)[0])
        raise CellError(
            f"expected a matrix of zeros and ones, received {array[x, y]!r} in row {x}, column "
            f"{y}. An edge is there or not; it has no weight."
        )
    parents = []
    for y, column in enumerate((array != 0).T.tolist()):
        mask = sum(1 << x for x, edge in enumerate(column) if edge)
        if mask >> y:
            raise _not_upper_triangular(mask >> y << y, y)
        parents.append(mask)
    return tuple(parents)


def _not_square(matrix: Any) -> CellError:
    shape = getattr(matrix, "shape", None)
    if shape is None:
        lengths = [len(row) if hasattr(row, "__len__") else "no" for row in _rows(matrix)]
        shape = f"rows of {lengths} entries" if lengths else repr(matrix)
    return CellError(
        f"expected a square adjacency matrix, received {shape}. Give one row and one column per "
        "vertex, input and output included."
    )


def _rows(matrix: Any) -> Sequence[Any]:
    return matrix if isinstance(matrix, (list, tuple)) else ()


def _not_upper_triangular(mask: int, y: int) -> CellError:
    x = mask.bit_length() - 1
    return CellError(
        f"expected an upper triangular matrix, received an edge in row {x}, column {y}. Edges lead "
        "from vertex `row` to a later vertex `column`; number the vertices in topological order, "
        "or transpose the matrix."
    )


def parents_of_edges(edges: Sequence[int]) -> Parents:
    """The graph of edges that are told one by one: those to vertex 1, to vertex 2, and so on.

    Raises:
        CellError: if they are not as many as 2 to 7 vertices have, or not zeros and ones.
    """
    try:
        text = bytes(edges)
        return tuple([_COLUMNS[text[start:stop]] for start, stop in _COLUMN_ENDS[len(text)]])
    except (KeyError, TypeError, ValueError):
        raise CellError(
            f"expected {', '.join(map(str, _COLUMN_ENDS))} edges, each 0 or 1, received {edges!r}."
        ) from None


_COLUMN_ENDS: Final = {
    SHIFTS[n - 1] + n - 1: [(SHIFTS[y], SHIFTS[y] + y) for y in range(n)]
    for n in range(2, MAX_VERTICES + 1)
}
"""For each number of edges where the column of each vertex begins and ends among them."""


def kept_vertices(parents: Parents) -> int:
    """The mask of the vertices that lie on a path from the input to the output."""
    last = len(parents) - 1
    reached = 1
    for y in range(1, last + 1):
        if parents[y] & reached:
            reached |= 1 << y
    needed = 1 << last
    for y in range(last, 0, -1):
        if needed >> y & 1:
            needed |= parents[y]
    return reached & needed


def prune(parents: Parents, kept: int) -> Parents:
    """The graph of some of its vertices, numbered anew."""
    vertices = [v for v in range(len(parents)) if kept >> v & 1]
    return tuple(
        [sum((parents[y] >> x & 1) << i for i, x in enumerate(vertices)) for y in vertices]
    )


def code_of(parents: Parents, labels: Sequence[int]) -> int:
    """The code of a pruned cell of at most 7 vertices: a number below 2**32.

    Codes ascend with the number of vertices, then with the bits of the edges, then with the
    labels: in the order in which the official generator finds cells, so that the smallest code
    of isomorphic cells is the cell that it, and the official file, keeps.

    Args:
        parents: the graph.
        labels: of the interior vertices, in 0, 1 and 2.
    """
    bits = 0
    for mask, shift in zip(parents, SHIFTS, strict=False):
        bits |= mask << shift
    label = 0
    for each in labels:
        label = 3 * label + each
    n = len(parents)
    code: int = OFFSETS[n] + bits * POWERS[n] + label
    return code


def graph_of_code(code: int) -> tuple[Parents, tuple[int, ...]]:
    """The graph and the labels of its interior vertices: what `code_of` was given.

    Raises:
        CellError: if no pruned cell within the limits has this code.
    """
    n = bisect.bisect_right(OFFSETS, code) - 1
    if not OFFSETS[2] <= code < OFFSETS[-1]:
        raise CellError(f"expected a code from 0 to {OFFSETS[-1] - 1}, received {code}.")
    bits, label = divmod(code - OFFSETS[n], POWERS[n])
    parents = tuple([bits >> SHIFTS[y] & (1 << y) - 1 for y in range(n)])
    if bits.bit_count() > MAX_EDGES or kept_vertices(parents) != (1 << n) - 1:
        raise CellError(f"expected the code of a pruned cell, received {code}.")
    labels = [label // 3**i % 3 for i in range(n - 2)]
    return parents, tuple(labels[::-1])


def matrix_of(parents: Parents) -> np.ndarray[Any, np.dtype[np.int8]]:
    """The adjacency matrix, shape `(vertices, vertices)`, int8."""
    n = len(parents)
    rows = [[parents[y] >> x & 1 for y in range(n)] for x in range(n)]
    return np.array(rows, dtype=np.int8)
