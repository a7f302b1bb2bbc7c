"""The smallest of the codes that isomorphic cells have: of one cell, and of all cells at once."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_glove.benchmarks.nasbench101.graphs import OFFSETS, POWERS, SHIFTS, Parents, code_of
from keras_glove.benchmarks.nasbench101.limits import MAX_EDGES, MAX_VERTICES

__all__ = ["Classes", "all_classes", "canonical_code"]

Codes = np.ndarray[Any, np.dtype[np.uint32]]
Rows = np.ndarray[Any, np.dtype[np.int32]]


@functools.lru_cache(maxsize=4096)
def canonical_code(parents: Parents, labels: tuple[int, ...]) -> int:
    """The smallest code of all orders in which the vertices of a pruned cell can stand."""
    return min([_code_in_order(parents, labels, order) for order in _orders(parents)])


def _orders(parents: Parents) -> Iterator[tuple[int, ...]]:
    """All topological orders of the vertices."""

    def extend(order: tuple[int, ...], placed: int) -> Iterator[tuple[int, ...]]:
        if len(order) == len(parents) - 1:
            yield (*order, len(parents) - 1)
            return
        for vertex in range(1, len(parents) - 1):
            if not placed >> vertex & 1 and not parents[vertex] & ~placed:
                yield from extend((*order, vertex), placed | 1 << vertex)

    return extend((0,), 1)


def _code_in_order(parents: Parents, labels: Sequence[int], order: Sequence[int]) -> int:
    moved = tuple([sum((parents[y] >> x & 1) << i for i, x in enumerate(order)) for y in order])
    return code_of(moved, [labels[v - 1] for v in order[1:-1]])


class Classes(NamedTuple):
    """All pruned cells up to a number of vertices, and which of them are isomorphic.

    Attributes:
        codes: of all pruned cells, ascending, uint32.
        members: for each of `codes` its class: an index into `canonical`.
        canonical: the smallest code of each class, ascending, uint32.
    """

    codes: Codes
    members: Rows
    canonical: Codes


@functools.lru_cache(maxsize=MAX_VERTICES)
def all_classes(max_vertices: int = MAX_VERTICES) -> Classes:
    """The classes of all cells of 2 to `max_vertices` vertices; well under a second.

    >>> len(all_classes(4).canonical)
    91
    """
    every, smallest = zip(*[_cells_of(n) for n in range(2, max_vertices + 1)], strict=True)
    codes, least = np.concatenate(every), np.concatenate(smallest)
    canonical = codes[codes == least]
    return Classes(codes, np.searchsorted(canonical, least).astype(np.int32), canonical)


def _cells_of(n: int) -> tuple[Codes, Codes]:
    """The codes of all pruned cells of n vertices, and the smallest of each one's class."""
    graphs = _pruned_graphs(n)
    labels = np.arange(POWERS[n], dtype=np.uint32)
    codes = graphs[:, None] * np.uint32(POWERS[n]) + labels
    smallest = codes.copy()
    for order in itertools.permutations(range(1, n - 1)):
        moved, upper = _permuted(graphs, (0, *order, n - 1))
        relabelled = _permuted_labels(labels, order)
        others = moved[upper, None] * np.uint32(POWERS[n]) + relabelled
        smallest[upper] = np.minimum(smallest[upper], others)
    offset = np.uint32(OFFSETS[n])
    return codes.ravel() + offset, smallest.ravel() + offset


def _pruned_graphs(n: int) -> Codes:
    """The bits of all graphs of n vertices, each of them on a path from input to output."""
    bits = np.arange(1 << n * (n - 1) // 2, dtype=np.uint32)
    bits = bits[np.bitwise_count(bits) <= MAX_EDGES]
    leaving = np.zeros_like(bits)
    for y in range(1, n):
        parents = bits >> np.uint32(SHIFTS[y]) & np.uint32((1 << y) - 1)
        bits, leaving = bits[parents > 0], (leaving | parents)[parents > 0]
    pruned: Codes = bits[leaving == (1 << n - 1) - 1]
    return pruned


def _permuted(
    graphs: Codes, places: Sequence[int]
) -> tuple[Codes, np.ndarray[Any, np.dtype[np.bool_]]]:
    """The graphs with each vertex v at `places[v]`, and whether they stay upper triangular."""
    moved = np.zeros_like(graphs)
    upper = np.ones(len(graphs), dtype=bool)
    for y in range(1, len(places)):
        for x in range(y):
            edge = graphs >> np.uint32(SHIFTS[y] + x) & np.uint32(1)
            if places[x] < places[y]:
                moved |= edge << np.uint32(SHIFTS[places[y]] + places[x])
            else:
                upper &= edge == 0
    return moved, upper


def _permuted_labels(labels: Codes, places: Sequence[int]) -> Codes:
    """The labels of the interior vertices, with that of vertex v at `places[v - 1]`."""
    moved = np.zeros_like(labels)
    last = len(places)
    for vertex, place in enumerate(places, start=1):
        label = labels // np.uint32(3 ** (last - vertex)) % np.uint32(3)
        moved += label * np.uint32(3 ** (last - place))
    return moved
