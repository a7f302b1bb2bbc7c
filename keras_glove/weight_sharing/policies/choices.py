"""The decisions of a space, drawn in the graph from one softmax each.

Everything is a matrix with one row for each decision point and one column for each value, padded
with minus infinity: the draw of all rows is one operation, whatever the size of the space. Only
the slots of a `manyof` with `distinct` or `sorted` depend on the rows before them. A float has one
column for each of some equal parts of its scale, within which it is uniform.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_glove.algorithms.heads import Heads
from keras_glove.errors import PolicyError
from keras_glove.hyper import DNA, DecisionPoint, SearchSpace
from keras_glove.weight_sharing.decisions import Codec, Decisions

__all__ = ["Choices", "Draw", "gumbel", "log_softmax"]

LOWEST = -1e9
"""Stands for minus infinity where gradients flow: its softmax is zero, and has no nan."""

PARTS = 8
"""Into so many equal parts the scale of a float is cut."""


@dataclass(frozen=True)
class Draw:
    """One architecture, drawn.

    Attributes:
      decisions: what it is, for `SearchStep`.
      cells: int tensor of shape `(points,)`: the column of each decision, inactive ones too.
      active: float tensor of shape `(points,)`, 1 where a decision is active, else 0.
      allowed: bool tensor of shape `(points, values)`: what each decision could have been, given
        those before it.
    """

    decisions: Decisions
    cells: Any
    active: Any
    allowed: Any


class Choices:
    """How the decisions of a space are drawn.

    Attributes:
      space: whose they are.
      sizes: how many values each has, 0 for floats.
      columns: how many columns each has.
      shape: of the matrices of logits: `(points, most columns)`.

    Raises:
      PolicyError: the space has constraints or decision points of the user's own kind, which no
        graph can draw.
    """

    def __init__(self, space: SearchSpace) -> None:
        _require_drawable(space)
        self.space = space
        self.codec = Codec(space)
        self.sizes = self.codec.sizes
        self.columns = tuple(size or PARTS for size in self.sizes)
        self.shape = len(self.sizes), max(self.columns)
        rows = Heads(space, bins=max(self.columns)).to_json()
        self._base = np.full(self.shape, LOWEST, "float32")
        for row, logits, count in zip(self._base, rows, self.columns, strict=True):
            row[:count] = [LOWEST if logit is None else logit for logit in logits[:count]]
        self._open = self._base > LOWEST
        self._slots = dict(_slots(space.points))
        self._nested = [point for point in space.points if point.conditions or point.also]

    @property
    def base(self) -> Any:
        """The logits with which each arrangement of a `manyof` is as likely as any other.

        Numbers are uniform on their scale; `LOWEST` stands beyond the columns of a point. A
        tensor, so that it can be added to variables.
        """
        return ops.convert_to_tensor(self._base)

    def draw(self, logits: Any, noise: Any) -> Draw:
        """An architecture with the probabilities of the softmaxes of logits.

        Args:
          logits: float tensor of `shape`; `base` is to be added by the caller.
          noise: float tensor of `(points, most columns + 1)` in [0, 1), uniform.
        """
        return self.highest(logits + gumbel(noise[:, :-1]), noise[:, -1])

    def highest(self, scores: Any, places: Any = None) -> Draw:
        """The architecture of the highest scores, row by row.

        Args:
          scores: float tensor of `shape`.
          places: for float points the place in their part, from 0 to 1; by default its middle.
        """
        allowed = ops.convert_to_tensor(self._open)
        cells = ops.cast(ops.argmax(ops.where(allowed, scores, LOWEST), axis=-1), "int32")
        if self._slots:
            cells, allowed = self._arranged(scores, cells, allowed)
        return self.drawn(cells, allowed, places)

    def drawn(self, cells: Any, allowed: Any = None, places: Any = None, mixed: Any = None) -> Draw:
        """The draw of given columns.

        Args:
          cells: int tensor of shape `(points,)`.
          allowed: what each could have been; by default as if no other slot had chosen.
          places: see `highest`.
          mixed: bool tensor of shape `(points,)`: decisions all of whose values take part, so that
            what is below any of them is active.
        """
        active = self.active(cells, mixed)
        places = ops.full((self.shape[0],), 0.5) if places is None else places
        is_discrete = np.array([size > 0 for size in self.sizes])
        indices = ops.where(ops.logical_and(active > 0, is_discrete), cells, 0)
        numbers = self._numbers(cells, places) * active
        allowed = ops.convert_to_tensor(self._open) if allowed is None else allowed
        return Draw(Decisions(indices, numbers), cells, active, allowed)

    def mask(self, place: int, chosen: Sequence[Any]) -> Any:
        """Which columns a decision may take after those before it; bool tensor."""
        mask = ops.convert_to_tensor(self._open[place])
        before = self._slots.get(place)
        if before is None:
            return mask
        group: Any = self.space.points[place].group
        columns = ops.arange(self.shape[1], dtype="int32")
        if group.sorted:
            last = chosen[before[-1]]
            return ops.logical_and(mask, columns > last if group.distinct else columns >= last)
        for slot in before:
            mask = ops.logical_and(mask, columns != chosen[slot])
        return mask

    def is_active(
        self, place: int, chosen: Sequence[Any], active: Sequence[Any], mixed: Any = None
    ) -> Any:
        """Whether a decision is active after those before it, as 1.0 or 0.0."""
        point, result = self.space.points[place], ops.convert_to_tensor(1.0)
        for clause in filter(None, (point.conditions, *point.also)):
            met = [self._met(at, value, chosen, active, mixed) for at, value in clause]
            result = result * ops.max(ops.stack(met))
        return result

    def active(self, cells: Any, mixed: Any = None) -> Any:
        """Which decisions are active, as ones and zeros; see `drawn`."""
        if not self._nested:
            return ops.ones((self.shape[0],))
        active: list[Any] = [ops.convert_to_tensor(1.0)] * self.shape[0]
        for point in self._nested:
            active[point.index] = self.is_active(point.index, cells, active, mixed)
        return ops.stack(active)

    def log_probabilities(self, logits: Any, draw: Draw) -> Any:
        """Of all values of all decisions, given those before; shape `shape`."""
        return log_softmax(ops.where(draw.allowed, logits, LOWEST))

    def log_probability(self, logits: Any, draw: Draw, counted: Any = None) -> Any:
        """That of a draw: the sum over its active decisions (hierarchical, as in TuNAS).

        Args:
          logits: of all decisions.
          draw: the architecture.
          counted: which decisions count instead, as ones and zeros.
        """
        chosen = ops.one_hot(draw.cells, self.shape[1], dtype="float32")
        each = ops.sum(self.log_probabilities(logits, draw) * chosen, axis=-1)
        return ops.sum(each * (draw.active if counted is None else counted))

    def entropy(self, logits: Any, draw: Draw) -> Any:
        """The sum over the active decisions of a draw, in nats."""
        log_p = self.log_probabilities(logits, draw)
        each = -ops.sum(ops.where(draw.allowed, ops.exp(log_p) * log_p, 0.0), axis=-1)
        return ops.sum(each * draw.active)

    def probabilities(self, logits: Any) -> Any:
        """The softmax of each row, as if no slot of a `manyof` had chosen yet; shape `shape`."""
        return ops.exp(log_softmax(ops.where(self._open, logits, LOWEST)))

    def soft(self, logits: Any) -> Any:
        """The softmax of each row; slots of a `manyof` make room for each other; shape `shape`.

        A slot takes a candidate in proportion to the probability that those before it leave it
        (as in relaxed subsets, Xie & Ermon 2019). Of one-hot rows before, that is the
        exact mask.
        """
        if not self._slots:
            return self.probabilities(logits)
        rows = list(ops.unstack(ops.where(self._open, logits, LOWEST)))
        for place, row in enumerate(rows):
            left = self._left(place, rows)
            rows[place] = ops.exp(log_softmax(row if left is None else row + left))
        return ops.stack(rows)

    def _left(self, place: int, rows: Sequence[Any]) -> Any:
        """The logarithm of what the slots before one leave of each column."""
        before = self._slots.get(place)
        if before is None:
            return None
        group: Any = self.space.points[place].group
        if not group.sorted:
            return sum(ops.log(ops.clip(1 - rows[slot], 1e-9, 1)) for slot in before)
        below = ops.cumsum(rows[before[-1]])
        below = below - rows[before[-1]] if group.distinct else below
        return ops.log(ops.clip(below, 1e-9, 1))

    def straight_through(self, scores: Any, temperature: Any = 1.0) -> tuple[Draw, Any]:
        """The architecture of the highest scores, with a gradient by them.

        Args:
          scores: float tensor of `shape`, Gumbel numbers included.
          temperature: of the softmax behind the gradient.

        Returns:
          The draw, and its values as one-hot rows whose gradient is that of the softmax.
        """
        draw = self.highest(scores)
        soft = ops.exp(log_softmax(ops.where(draw.allowed, scores, LOWEST) / temperature))
        hard = ops.one_hot(draw.decisions.indices, self.shape[1], dtype="float32")
        return draw, ops.stop_gradient(hard - soft) + soft

    def relaxed(self, probabilities: Any) -> dict[int, Any]:
        """A matrix of probabilities as the `weights` of `Decisions`."""
        return {place: probabilities[place, :size] for place, size in enumerate(self.sizes) if size}

    def by_name(self, matrix: Any) -> dict[str, np.ndarray[Any, Any]]:
        """The rows of a matrix, by the names of the decision points."""
        rows = np.asarray(matrix)
        return {
            point.name: rows[place, :size]
            for place, (point, size) in enumerate(zip(self.space.points, self.sizes, strict=True))
            if size
        }

    def dna(self, decisions: Decisions) -> DNA:
        """Decisions as a DNA; not in a graph."""
        return self.codec.dna(np.asarray(decisions.indices), np.asarray(decisions.numbers))

    def _arranged(self, scores: Any, cells: Any, allowed: Any) -> tuple[Any, Any]:
        """With the slots of each `manyof` chosen one after the other."""
        chosen, masks = list(ops.unstack(cells)), list(ops.unstack(allowed))
        for place in self._slots:
            masks[place] = self.mask(place, chosen)
            best = ops.argmax(ops.where(masks[place], scores[place], LOWEST), axis=-1)
            chosen[place] = ops.cast(best, "int32")
        return ops.stack(chosen), ops.stack(masks)

    def _met(
        self, place: int, value: Any, chosen: Sequence[Any], active: Sequence[Any], mixed: Any
    ) -> Any:
        if value is None:
            return 1.0 - active[place]
        met = ops.equal(chosen[place], self._place(place, value))
        met = met if mixed is None else ops.logical_or(met, mixed[place])
        return active[place] * ops.cast(met, "float32")

    def _place(self, index: int, value: Any) -> int:
        point = self.space.points[index]
        if point.kind != "int":
            return int(value)
        return (int(value) - int(point.low or 0)) // (point.step or 1)

    def _numbers(self, cells: Any, places: Any) -> Any:
        """The values of float points, 0 for others."""
        if all(self.sizes):
            return ops.zeros((self.shape[0],))
        places = (ops.cast(cells, "float32") + places) / PARTS
        return ops.stack(
            [
                ops.convert_to_tensor(0.0) if size else _on_scale(point, places[point.index])
                for point, size in zip(self.space.points, self.sizes, strict=True)
            ]
        )


def gumbel(noise: Any) -> Any:
    """Standard Gumbel numbers of uniform ones, kept off 0 and 1 so that all are finite."""
    return -ops.log(-ops.log(ops.clip(noise, 1e-9, 1 - 1e-7)))


def log_softmax(logits: Any) -> Any:
    """Over the last axis, without nan where logits are `LOWEST`."""
    shifted = logits - ops.max(logits, axis=-1, keepdims=True)
    return shifted - ops.log(ops.sum(ops.exp(shifted), axis=-1, keepdims=True))


def _require_drawable(space: SearchSpace) -> None:
    custom = [point.name for point in space.points if point.kind == "custom"]
    if custom or space.constraints:
        received = f"decision points of a kind of one's own, {custom}" if custom else "constraints"
        raise PolicyError(
            f"Expected a space whose decisions can be drawn in the graph, received {received}. "
            "Search it without shared weights, by `kg.search`, or leave these out."
        )


def _slots(points: Sequence[DecisionPoint]) -> Iterator[tuple[int, list[int]]]:
    """The slots that depend on others, with those before them."""
    for point in points:
        group = point.group
        if group is not None and (group.distinct or group.sorted):
            before = [place for place in group.indices if place < point.index]
            if before:
                yield point.index, before


def _on_scale(point: DecisionPoint, place: Any) -> Any:
    low, high = float(point.low or 0), float(point.high or 0)
    if point.scale == "linear":
        return low + place * (high - low)
    if point.scale == "reverse_log":
        return high + low - ops.exp(math.log(low) + (1 - place) * math.log(high / low))
    return ops.exp(math.log(low) + place * math.log(high / low))
