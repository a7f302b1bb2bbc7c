"""`Table`: what depends on decisions, written out for each of their values.

A width, a branch, a mask of channels, a count of parameters: all are functions of a few discrete
decisions, and a table holds their values. So a sum of widths is a table again, two masks are the
same when their tables are, a DNA reads a table in Python, a step reads it in the graph, and under
relaxed decisions its value is the expectation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_glove.errors import NotShareableError
from keras_glove.weight_sharing.decisions import Decisions

__all__ = ["Table"]

Array = np.ndarray[Any, np.dtype[Any]]

MOST_ENTRIES = 1_000_000
"""How many values one table may hold."""


class Table:
    """Values for each combination of the values of some decision points.

    Args:
      points: the decision points, by index.
      values: an array with one leading axis for each point; what follows is the shape of an entry.

    Points on which nothing depends are dropped, so equal functions are equal tables.

    >>> width = Table((0,), [16, 32])
    >>> (width + 1).at([1]), Table((0,), [4, 4]).points
    (33, ())
    """

    __slots__ = ("points", "values")
    points: tuple[int, ...]
    values: Array

    def __init__(self, points: Sequence[int], values: Any) -> None:
        array = values if isinstance(values, np.ndarray) else np.array(values)
        for axis in reversed(range(len(points))):
            if _is_constant(array, axis):
                array = array.take(0, axis=axis)
                points = (*points[:axis], *points[axis + 1 :])
        order = sorted(range(len(points)), key=lambda place: points[place])
        entry = range(len(points), array.ndim)
        self.points = tuple(points[place] for place in order)
        self.values = np.asarray(array).transpose(*order, *entry)

    @classmethod
    def entry(cls, value: Any) -> Table:
        """The table of one value, whatever it is."""
        if isinstance(value, bool | int | float | np.number) and not isinstance(value, bool):
            return cls((), np.asarray(value))
        box = np.empty((), dtype=object)
        box[()] = value
        return cls((), box)

    @classmethod
    def select(cls, chooser: Table, options: Sequence[Table]) -> Table:
        """The option that another table of integers chooses."""
        return combine(_chosen, chooser, *options)

    @property
    def entry_shape(self) -> tuple[int, ...]:
        """The shape of one value."""
        return tuple(self.values.shape[len(self.points) :])

    def at(self, indices: Sequence[Any] | Mapping[int, Any]) -> Any:
        """The value under decisions, given as the index of each point's value."""
        entry = self.values[tuple(int(indices[point] or 0) for point in self.points)]
        return entry.item() if isinstance(entry, np.generic) else _unboxed(entry)

    def map(self, function: Callable[[Array], Array]) -> Table:
        """The table of a function of whole arrays, leading axes left as they are."""
        return Table(self.points, function(self.values))

    def tensor(self, decisions: Decisions, dtype: str) -> Any:
        """The value in the graph: that of the decisions, or their expectation."""
        return decisions.read(self.points, self.values, dtype)

    def max(self) -> Any:
        """The largest value."""
        return self.values.max().item()

    def min(self) -> Any:
        """The smallest value."""
        return self.values.min().item()

    def options(self) -> list[Any]:
        """All values, as a flat list of Python values."""
        return list(self.values.reshape(-1).tolist())

    def __add__(self, other: Any) -> Table:
        return combine(np.add, self, other)

    def __mul__(self, other: Any) -> Table:
        return combine(np.multiply, self, other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        return self.points == other.points and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((self.points, self.values.shape, self.values.tobytes()))

    def __repr__(self) -> str:
        return f"Table({self.points}, {self.values.tolist()})"


def _is_constant(array: Array, axis: int) -> bool:
    if array.shape[axis] == 1:
        return True
    if array.dtype == object:  # entries may be anything, and be compared only as what they are
        return False
    return bool(np.all(array == array.take([0], axis=axis)))


def _chosen(chooser: Array, *options: Array) -> Array:
    entry_axes = max(option.ndim for option in options) - chooser.ndim
    chooser = chooser.reshape(*chooser.shape, *(1,) * entry_axes)
    shape = np.broadcast_shapes(chooser.shape, *(option.shape for option in options))
    stacked = np.stack([np.broadcast_to(option, shape) for option in options])
    places = np.broadcast_to(chooser, shape)[None].astype(np.int64)
    result: Array = np.take_along_axis(stacked, places, axis=0)[0]
    return result


def _unboxed(entry: Any) -> Any:
    is_box = isinstance(entry, np.ndarray) and entry.ndim == 0
    return entry.item() if is_box else entry


def combine(function: Callable[..., Any], *parts: Any) -> Table:
    """The table of a function of the values of others; numbers count as tables."""
    tables = [part if isinstance(part, Table) else Table((), np.asarray(part)) for part in parts]
    points = sorted({point for table in tables for point in table.points})
    sizes = {p: n for t in tables for p, n in zip(t.points, t.values.shape, strict=False)}
    entries = max((int(np.prod(table.entry_shape)) for table in tables), default=1)
    if np.prod([float(sizes[point]) for point in points]) * entries > MOST_ENTRIES:
        raise NotShareableError(
            f"Expected widths that depend on few decisions together, received one of {len(points)} "
            f"(points {points}) with more than {MOST_ENTRIES:,} combinations. Give some of these "
            "places one common hyper-value, or put a layer of fixed width between them."
        )
    return Table(points, function(*(_spread(table, points) for table in tables)))


def _spread(table: Table, points: Sequence[int]) -> Array:
    leading = [
        table.values.shape[table.points.index(point)] if point in table.points else 1
        for point in points
    ]
    return table.values.reshape((*leading, *table.entry_shape))
