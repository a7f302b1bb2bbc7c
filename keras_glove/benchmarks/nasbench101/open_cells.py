"""What is in use of a cell whose edges and operations are decisions: `OpenCell`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.graphs import parents_of_edges
from keras_glove.benchmarks.nasbench101.limits import INPUT, OPERATIONS, OUTPUT
from keras_glove.benchmarks.nasbench101.parameters import vertex_channels
from keras_glove.errors import NotShareableError
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.open_values import Open
from keras_glove.weight_sharing.tables import Table

__all__ = ["OpenCell", "Part", "PartAxis", "Pruned"]


@dataclass(frozen=True)
class Pruned:
    """A pruned cell as tensors; vertices keep their numbers, those that are pruned are not used.

    Attributes:
        edges: for each pair of vertices (from, to) a scalar int32, 1 where the edge is used.
        labels: for each interior vertex a scalar int32: the place of its operation in
            `OPERATIONS`, or one more where it is pruned.
    """

    edges: dict[tuple[int, int], Any]
    labels: list[Any]

    def channels(self, output_channels: int) -> tuple[list[Any], list[Any]]:
        """For each interior vertex its channels, 0 if it is pruned, and where they begin.

        As `vertex_channels`, as scalar int32 tensors. Of vertices that do not lead to the output
        the beginning means nothing.
        """
        last = len(self.labels) + 1
        interior = range(1, last)
        joined = ops.maximum(sum([self.edges[v, last] for v in interior]), 1)
        each, left = output_channels // joined, output_channels % joined
        before: Any = 0
        channels: list[Any] = [0] * last
        begins: list[Any] = [0] * last
        for v in interior:
            is_joined = self.edges[v, last]
            channels[v] = is_joined * (each + ops.cast(before < left, "int32"))
            begins[v] = before * each + ops.minimum(before, left)
            before = before + is_joined
        for v in reversed(interior):
            for y in range(v + 1, last):
                wider = self.edges[v, y] * channels[y] * (1 - self.edges[v, last])
                channels[v] = ops.maximum(channels[v], wider)
        return channels[1:], begins[1:]


class OpenCell:
    """A cell of open edges and operations.

    Args:
        edges: for each pair of vertices, as in `space.cell`; open or 0 or 1.
        operations: of the interior vertices, open or names.

    Attributes:
        last: the number of the output.
    """

    def __init__(self, edges: Sequence[Any], operations: Sequence[Any]) -> None:
        self.last = len(operations) + 1
        pairs = [(x, y) for y in range(1, self.last + 1) for x in range(y)]
        self._edges = {pair: _table(edge) for pair, edge in zip(pairs, edges, strict=True)}
        self._labels = [_table(operation).map(_labels) for operation in operations]
        self._known: tuple[Any, ...] = (None, None, None)

    def pruned(self, decisions: Decisions) -> Pruned:
        """The cell under decisions."""
        here = _graph_here()
        if self._known[0] is not decisions or self._known[1] is not here:
            self._known = (decisions, here, self._pruned(decisions))
        pruned: Pruned = self._known[2]
        return pruned

    def _pruned(self, decisions: Decisions) -> Pruned:
        if decisions.weights:
            raise NotShareableError(
                "Expected decisions of one cell, received distributions over edges or operations: "
                "how many channels a vertex has depends on all edges. Use a policy that samples, "
                "such as REINFORCE."
            )
        last, given = self.last, self._edges
        edges = {pair: table.tensor(decisions, "int32") for pair, table in given.items()}
        reached, needed = [_ONE] * (last + 1), [_ONE] * (last + 1)
        for y in range(1, last + 1):
            reached[y] = _any([edges[x, y] * reached[x] for x in range(y)])
        for x in reversed(range(last)):
            needed[x] = _any([edges[x, y] * needed[y] for y in range(x + 1, last + 1)])
        kept = [r * n for r, n in zip(reached, needed, strict=True)]
        labels = [table.tensor(decisions, "int32") for table in self._labels]
        return Pruned(
            {(x, y): edge * kept[x] * kept[y] for (x, y), edge in edges.items()},
            [ops.where(kept[v] > 0, labels[v - 1], len(OPERATIONS)) for v in range(1, last)],
        )

    def cell(self, decided: Sequence[Any]) -> Cell:
        """The cell for one index per decision point."""
        edges = [int(table.at(decided)) for table in self._edges.values()]
        operations = [OPERATIONS[int(table.at(decided))] for table in self._labels]
        return Cell.of_graph(parents_of_edges(edges), (INPUT, *operations, OUTPUT))


@dataclass(frozen=True)
class Part:
    """One convolution of an open cell.

    Attributes:
        cell: the cell.
        vertex: which has its channels.
        label: of the operation that it is; None for the projection of the input to the vertex.
        channels: that the cell gives.
    """

    cell: OpenCell
    vertex: int
    label: int | None
    channels: int

    def width(self, decisions: Decisions) -> Any:
        """How many of its channels are in use, 0 where it does not take part; scalar int32."""
        pruned = self.cell.pruned(decisions)
        if self.vertex == self.cell.last:
            return self.channels * pruned.edges[0, self.vertex]
        width = pruned.channels(self.channels)[0][self.vertex - 1]
        if self.label is None:
            return width * pruned.edges[0, self.vertex]
        return width * ops.cast(pruned.labels[self.vertex - 1] == self.label, "int32")

    def width_at(self, decided: Sequence[Any]) -> int:
        """The same for one index per decision point, where it takes part."""
        cell = self.cell.cell(decided)
        place = cell.kept_vertices.index(self.vertex)
        return vertex_channels(cell.graph, self.channels)[place]


@dataclass(frozen=True)
class PartAxis:
    """An axis of a weight of which as many places are in use as a part has channels.

    Stands where weight sharing has an `Axis`, whose masks are tables; for these a table would
    need an entry for each of two million graphs.
    """

    part: Part

    @property
    def length(self) -> int:
        """How long the axis is."""
        return self.part.channels

    def mask(self, decisions: Decisions, dtype: str) -> Any:
        """Ones and zeros, shape `(length,)`."""
        return ops.cast(ops.arange(self.length) < self.part.width(decisions), dtype)

    def indices(self, decided: Sequence[Any]) -> np.ndarray[Any, Any]:
        """The places in use, for one index per decision point."""
        return np.arange(self.part.width_at(decided))


_ONE: Any = 1


def _any(flags: Sequence[Any]) -> Any:
    found = flags[0]
    for flag in flags[1:]:
        found = ops.maximum(found, flag)
    return found


def _table(value: Any) -> Table:
    return value.table if isinstance(value, Open) else Table.entry(value)


def _labels(names: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    labels: np.ndarray[Any, Any] = np.vectorize(OPERATIONS.index, otypes=[np.int64])(names)
    return labels


def _graph_here() -> Any:
    """The graph that is being traced, to whose tensors what is remembered belongs."""
    try:
        return ops.convert_to_tensor(0).graph
    except AttributeError:
        return None
