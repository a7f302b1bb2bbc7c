"""The decisions of a space, drawn in the graph from one softmax each.

Everything is a matrix with one row for each decision point and one column for each value, padded
with minus infinity: the draw of all rows is one operation, whatever the size of the space. Only
the slots of a `manyof` with `distinct` or `sorted` depend on the rows before them.
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

__all__ = ["Choices", "Draw"]

LOWEST = -1e9
"""Stands for minus infinity where gradients flow: its softmax is zero, and has no nan."""


@dataclass(frozen=True)
class Draw:
    """One architecture, drawn.

    Attributes:
      decisions: what it is, for `SearchStep`.
      active: float tensor of shape `(points,)`, 1 where a decision is active, else 0.
      allowed: bool tensor of shape `(points, values)`: what each decision could have been, given
        those before it.
    """

    decisions: Decisions
    active: Any
    allowed: Any


class Choices:
    """How the decisions of a space are drawn.

    Attributes:
      shape: of the matrices of logits: `(points, values)`.
      base: the logits with which each architecture of a `manyof` is as likely as any other, and
        numbers are uniform on their scale; `LOWEST` beyond the values of a point.

    Raises:
      PolicyError: the space has constraints or decision points of the user's own kind, which no
        graph can draw.
    """

    def __init__(self, space: SearchSpace) -> None:
        _require_drawable(space)
        self.space = space
        self.codec = Codec(space)
        self.sizes = self.codec.sizes
        self.shape = len(self.sizes), max(self.sizes, default=1) or 1
        rows = Heads(space, bins=max(2, *self.sizes) if self.sizes else 2).to_json()
        self.base = np.full(self.shape, LOWEST, "float32")
        for row, logits, size in zip(self.base, rows, self.sizes, strict=True):
            row[: size or 1] = [LOWEST if logit is None else logit for logit in logits[: size or 1]]
        self._open = self.base > LOWEST
        self._slots = list(_slots(space.points))
        self._nested = [point for point in space.points if point.conditions or point.also]

    def draw(self, logits: Any, noise: Any) -> Draw:
        """An architecture with the probabilities of the softmaxes of logits.

        Args:
          logits: float tensor of `shape`; `base` is to be added by the caller.
          noise: float tensor of `(points, values + 1)` in [0, 1), uniform.
        """
        gumbel = -ops.log(-ops.log(ops.clip(noise[:, :-1], 1e-9, 1 - 1e-7)))
        return self.highest(logits + gumbel, noise[:, -1])

    def highest(self, scores: Any, places: Any = None) -> Draw:
        """The architecture of the highest scores, row by row.

        Args:
          scores: float tensor of `shape`.
          places: for float points the place on their scale, from 0 to 1; by default its middle.
        """
        allowed = ops.convert_to_tensor(self._open)
        indices = ops.cast(ops.argmax(ops.where(allowed, scores, LOWEST), axis=-1), "int32")
        if self._slots:
            indices, allowed = self._arranged(scores, indices, allowed)
        active = self._active(indices)
        places = ops.full((self.shape[0],), 0.5) if places is None else places
        indices = ops.where(active > 0, indices, 0)
        return Draw(Decisions(indices, self._numbers(places) * active), active, allowed)

    def log_probabilities(self, logits: Any, draw: Draw) -> Any:
        """Of all values of all decisions, given those before; shape `shape`."""
        return _log_softmax(ops.where(draw.allowed, logits, LOWEST))

    def log_probability(self, logits: Any, draw: Draw) -> Any:
        """That of a draw: the sum over its active decisions (hierarchical, as in TuNAS)."""
        chosen = ops.one_hot(draw.decisions.indices, self.shape[1], dtype="float32")
        each = ops.sum(self.log_probabilities(logits, draw) * chosen, axis=-1)
        return ops.sum(each * draw.active)

    def entropy(self, logits: Any, draw: Draw) -> Any:
        """The sum over the active decisions of a draw, in nats."""
        log_p = self.log_probabilities(logits, draw)
        each = -ops.sum(ops.where(draw.allowed, ops.exp(log_p) * log_p, 0.0), axis=-1)
        return ops.sum(each * draw.active)

    def probabilities(self, logits: Any) -> Any:
        """The softmax of each row, as if no slot of a `manyof` had chosen yet; shape `shape`."""
        return ops.exp(_log_softmax(ops.where(self._open, logits, LOWEST)))

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

    def _arranged(self, scores: Any, indices: Any, allowed: Any) -> tuple[Any, Any]:
        """With the slots of each `manyof` chosen one after the other."""
        chosen = list(ops.unstack(indices))
        masks = list(ops.unstack(allowed))
        for point, before in self._slots:
            mask = masks[point.index]
            group: Any = point.group
            columns = ops.arange(self.shape[1])
            if group.sorted:
                last = chosen[before[-1]]
                mask = ops.logical_and(mask, columns > last if group.distinct else columns >= last)
            else:
                for place in before:
                    mask = ops.logical_and(mask, columns != chosen[place])
            masks[point.index] = mask
            best = ops.argmax(ops.where(mask, scores[point.index], LOWEST), axis=-1)
            chosen[point.index] = ops.cast(best, "int32")
        return ops.stack(chosen), ops.stack(masks)

    def _active(self, indices: Any) -> Any:
        if not self._nested:
            return ops.ones((self.shape[0],))
        active: list[Any] = [ops.convert_to_tensor(1.0)] * self.shape[0]
        for point in self._nested:
            for clause in (point.conditions, *point.also):
                met = [
                    active[place] * ops.cast(indices[place] == self._place(place, value), "float32")
                    for place, value in clause
                ]
                if met:
                    active[point.index] = active[point.index] * ops.max(ops.stack(met))
        return ops.stack(active)

    def _place(self, index: int, value: Any) -> int:
        point = self.space.points[index]
        if point.kind != "int":
            return int(value)
        return (int(value) - int(point.low or 0)) // (point.step or 1)

    def _numbers(self, places: Any) -> Any:
        """The values of float points, 0 for others."""
        if all(self.sizes):
            return ops.zeros((self.shape[0],))
        return ops.stack(
            [
                ops.convert_to_tensor(0.0) if size else _on_scale(point, places[point.index])
                for point, size in zip(self.space.points, self.sizes, strict=True)
            ]
        )


def _require_drawable(space: SearchSpace) -> None:
    custom = [point.name for point in space.points if point.kind == "custom"]
    if custom or space.constraints:
        received = f"decision points of a kind of one's own, {custom}" if custom else "constraints"
        raise PolicyError(
            f"Expected a space whose decisions can be drawn in the graph, received {received}. "
            "Search it without shared weights, by `kg.search`, or leave these out."
        )


def _slots(points: Sequence[DecisionPoint]) -> Iterator[tuple[DecisionPoint, list[int]]]:
    """The slots that depend on others, with those before them."""
    for point in points:
        group = point.group
        if group is not None and (group.distinct or group.sorted):
            before = [place for place in group.indices if place < point.index]
            if before:
                yield point, before


def _log_softmax(logits: Any) -> Any:
    shifted = logits - ops.max(logits, axis=-1, keepdims=True)
    return shifted - ops.log(ops.sum(ops.exp(shifted), axis=-1, keepdims=True))


def _on_scale(point: DecisionPoint, place: Any) -> Any:
    low, high = float(point.low or 0), float(point.high or 0)
    if point.scale == "linear":
        return low + place * (high - low)
    if point.scale == "reverse_log":
        return high + low - ops.exp(math.log(low) + (1 - place) * math.log(high / low))
    return ops.exp(math.log(low) + place * math.log(high / low))
