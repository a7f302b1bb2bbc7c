"""Many cells at once: pruned, checked and coded from matrices, and back from their codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from keras_glove.benchmarks.nasbench101.canonical import Codes
from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.graphs import OFFSETS, POWERS, SHIFTS
from keras_glove.benchmarks.nasbench101.limits import (
    MAX_EDGES,
    MAX_VERTICES,
    OPERATIONS,
)
from keras_glove.errors import CellError

__all__ = ["INVALID", "Unpacked", "codes_of_matrices", "codes_of_parents", "unpack"]

INVALID: Final = 2**32 - 1
"""Stands for cells that are not valid, where others have their code."""

_MOST_VERTICES = 30  # before pruning; a mask of parents is an int32

Masks = np.ndarray[Any, np.dtype[np.int32]]
Labels = np.ndarray[Any, np.dtype[np.int32]]


def codes_of_matrices(matrices: Any, labels: Any) -> Codes:
    """The codes of many cells; `INVALID` for those outside the limits of the benchmark.

    Args and Raises: see `CellArray.of_matrices`.
    """
    given = np.asarray(matrices)
    if given.ndim != 3 or given.shape[1] != given.shape[2]:
        raise CellError(
            "expected matrices of shape (cells, vertices, vertices), received an array of shape "
            f"{given.shape}."
        )
    n, vertices = given.shape[:2]
    if not 2 <= vertices <= _MOST_VERTICES:
        raise CellError(f"expected 2 to {_MOST_VERTICES} vertices, received {vertices}.")
    edges = given != 0
    if (given[edges] != 1).any() or np.tril(edges).any():
        raise CellError(
            "expected matrices of zeros and ones with zeros on and below the diagonal; cell "
            f"{_first_wrong(given)} has others."
        )
    weights = 1 << np.arange(vertices, dtype=np.int32)
    parents = np.einsum("cxy,x->yc", edges, weights, dtype=np.int32, casting="unsafe")
    return codes_of_parents(parents, _checked_labels(labels, n, vertices - 2))


def _first_wrong(matrices: Any) -> int:
    edges = matrices != 0
    wrong = (edges & (matrices != 1)) | np.tril(edges)
    return int(np.argmax(wrong.any(axis=(1, 2))))


def _checked_labels(labels: Any, n: int, interior: int) -> Labels:
    given = np.asarray(labels)
    if given.shape != (n, interior) or (given.size and given.dtype.kind not in "iub"):
        raise CellError(
            f"expected whole numbers of shape {(n, interior)}, the label of each interior vertex, "
            f"received {given.dtype} of shape {given.shape}."
        )
    return given.T.astype(np.int32)


def codes_of_parents(parents: Masks, labels: Labels) -> Codes:
    """The same of graphs as masks of parents.

    Args:
        parents: shape `(vertices, cells)`; bit x of row y is an edge from x to y.
        labels: shape `(vertices - 2, cells)`; a cell with others than 0, 1 and 2, once pruned,
            is not valid.
    """
    last = len(parents) - 1
    kept = _kept_vertices(parents)
    codes = np.full(parents.shape[1], INVALID, dtype=np.uint32)
    connected = (kept & 1 == 1) & (kept >> last == 1)
    for mask in np.unique(kept[connected]).tolist():
        vertices = [v for v in range(last + 1) if mask >> v & 1]
        if len(vertices) <= MAX_VERTICES:
            cells = np.flatnonzero(kept == mask)
            codes[cells] = _codes_of_kept(parents[:, cells], labels[:, cells], vertices)
    return codes


def _kept_vertices(parents: Masks) -> Masks:
    last = len(parents) - 1
    reached = np.ones_like(parents[0])
    for y in range(1, last + 1):
        reached |= ((parents[y] & reached) != 0).astype(np.int32) << y
    needed = np.full_like(reached, 1 << last)
    for y in range(last, 0, -1):
        needed |= np.where(needed >> y & 1, parents[y], 0)
    kept: Masks = reached & needed
    return kept


def _codes_of_kept(parents: Masks, labels: Labels, vertices: list[int]) -> Codes:
    """The codes of cells that keep the same vertices."""
    n = len(vertices)
    bits = np.zeros(parents.shape[1], dtype=np.uint32)
    for j, y in enumerate(vertices):
        for i, x in enumerate(vertices[:j]):
            bits |= (parents[y] >> x & 1).astype(np.uint32) << np.uint32(SHIFTS[j] + i)
    known = np.ones(len(bits), dtype=bool)
    number = np.zeros(len(bits), dtype=np.uint32)
    for v in vertices[1:-1]:
        known &= (labels[v - 1] >= 0) & (labels[v - 1] < len(OPERATIONS))
        number = number * np.uint32(len(OPERATIONS)) + labels[v - 1].astype(np.uint32)
    valid = known & (np.bitwise_count(bits) <= MAX_EDGES)
    codes = np.uint32(OFFSETS[n]) + bits * np.uint32(POWERS[n]) + number
    return np.where(valid, codes, np.uint32(INVALID))


class Unpacked(NamedTuple):
    """Codes taken apart; zeros where a cell is not valid.

    Attributes:
        codes: what was taken apart, shape `(cells,)`.
        num_vertices: shape `(cells,)`.
        bits: the edges, shape `(cells,)`.
        labels: all labels of a cell as one number, shape `(cells,)`.
    """

    codes: Codes
    num_vertices: np.ndarray[Any, np.dtype[np.int8]]
    bits: Codes
    labels: Codes

    def parents(self) -> Masks:
        """The masks of parents, shape `(7, cells)`; 0 for vertices that are not there."""
        rows = [(self.bits >> np.uint32(s)) & np.uint32((1 << y) - 1) for y, s in enumerate(SHIFTS)]
        return np.stack(rows).astype(np.int32)

    def label_table(self) -> Labels:
        """The labels of vertices 1 to 5, shape `(5, cells)`; -1 for vertices that are not there."""
        table = np.full((MAX_VERTICES - 2, len(self.bits)), -1, dtype=np.int32)
        interior = self.num_vertices.astype(np.int32) - 2
        for v in range(1, MAX_VERTICES - 1):
            power = np.power(3, np.maximum(interior - v, 0))
            table[v - 1] = np.where(v <= interior, self.labels.astype(np.int32) // power % 3, -1)
        return table

    def cells(self) -> Iterator[Cell]:
        """The cells, one by one; trusts the codes."""
        sizes = self.num_vertices.tolist()
        graphs = zip(*self.parents().tolist(), strict=True)
        labels = zip(*self.label_table().tolist(), strict=True)
        for n, graph, row, code in zip(sizes, graphs, labels, self.codes.tolist(), strict=True):
            yield Cell.of_pruned(graph[:n], row[: n - 2], code)


def unpack(codes: Codes) -> Unpacked:
    """Takes codes apart; trusts them."""
    known = np.where(codes == INVALID, 0, codes)
    sizes = np.searchsorted(np.array(OFFSETS[2:], dtype=np.uint32), known, side="right") + 1
    powers = np.array(POWERS, dtype=np.uint32)[sizes]
    bits, labels = np.divmod(known - np.array(OFFSETS, dtype=np.uint32)[sizes], powers)
    invalid = codes == INVALID
    sizes[invalid] = bits[invalid] = 0
    return Unpacked(codes, sizes.astype(np.int8), bits, labels)
