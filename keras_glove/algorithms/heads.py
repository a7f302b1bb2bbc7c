"""A distribution over the DNA of a space: one softmax for each decision.

| decision | cells of its softmax |
| --- | --- |
| choice | the candidates |
| int of few values | the values |
| other numbers | equal parts of its scale, within which a value is drawn as at random |
| slot of a `manyof` | the candidates that the slots before it leave |

Without training, draws are those of `space.random`, arrangements included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_glove.algorithms.positions import at_position, numbers, position, shares
from keras_glove.hyper import DNA, DecisionPoint, Group, SearchSpace
from keras_glove.hyper.dna import trusted
from keras_glove.hyper.structure import Structure, Unit

_Array = np.ndarray[Any, np.dtype[np.float64]]
_Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Heads:
    """The softmaxes of all decisions, as one table.

    Attributes:
        logits: shape `(points, cells)`; minus infinity where a point has fewer cells.

    Args:
        space: the decisions.
        bins: how many parts the scale of a number is cut into.
    """

    def __init__(self, space: SearchSpace, bins: int) -> None:
        self._points = space.points
        self._units = Structure(space.points).units
        rows = [_initial(point, bins) for point in space.points]
        self._lengths = [len(row) for row in rows]
        self.logits: _Array = np.full((len(rows), max(self._lengths)), -np.inf)
        for logits, row in zip(self.logits, rows, strict=True):
            logits[: len(row)] = row

    def draw(self, rng: np.random.Generator) -> DNA:
        """A DNA by the present distribution."""
        chances = rng.random((2, len(self._points))).tolist()
        sums = np.cumsum(softmax(self.logits), axis=1)
        chosen = (sums < (np.array(chances[0]) * sums[:, -1])[:, None]).sum(axis=1).tolist()
        values: list[int | float | None] = []
        for unit in self._units:
            if unit.clauses and not unit.active(values):
                values += [None] * (unit.stop - unit.start)
            elif unit.domain is not None:
                at = unit.start
                values.append(self._value(at, chosen[at], chances[1][at]))
            else:
                values += self._draw_slots(unit, chances[0][unit.start : unit.stop])
        return trusted(tuple(values))

    def gradient(self, dna: DNA) -> tuple[_Array, _Array]:
        """How the log-probability of a DNA and the entropy change with the logits.

        Only decisions that are active in the DNA count (the hierarchical log-probability
        of TuNAS, Bender et al. 2020): the gradient of a softmax's log-probability is the
        one-hot of the choice less its probabilities, and that of its entropy H is
        `-p * (log p + H)`.

        Returns:
            Two arrays of the shape of `logits`.
        """
        active = np.array([value is not None for value in dna.values])
        allowed = self._allowed(numbers(dna))
        p = softmax(np.where(allowed, self.logits, -np.inf))
        with np.errstate(divide="ignore"):
            log_p = np.where(p > 0, np.log(p), 0.0)
        entropy = -(p * log_p).sum(axis=1, keepdims=True)
        by_log_p, by_entropy = -p, -p * (log_p + entropy)
        for index, value in enumerate(numbers(dna)):
            if value is not None:
                by_log_p[index, self._cell(index, value)] += 1.0
        by_log_p[~active] = 0.0
        by_entropy[~active] = 0.0
        return by_log_p, by_entropy

    def log_probability(self, dna: DNA) -> float:
        """The logarithm of the probability of the cells of a DNA."""
        p = softmax(np.where(self._allowed(numbers(dna)), self.logits, -np.inf))
        return sum(
            math.log(p[index, self._cell(index, value)])
            for index, value in enumerate(numbers(dna))
            if value is not None
        )

    def probabilities(self) -> dict[str, list[float]]:
        """The probabilities of each decision's cells by its name.

        For the slots of a `manyof` as if no other slot had chosen yet.
        """
        p = softmax(self.logits)
        return {
            point.name: row[:length].tolist()
            for point, row, length in zip(self._points, p, self._lengths, strict=True)
        }

    def to_json(self) -> list[list[float | None]]:
        """The logits by decision, without the padding; None for minus infinity."""
        return [
            [logit if logit > -math.inf else None for logit in row[:length].tolist()]
            for row, length in zip(self.logits, self._lengths, strict=True)
        ]

    def set(self, rows: Sequence[Sequence[float | None]]) -> None:
        """Takes what `to_json` gave.

        Raises:
            ValueError: if the shape is another.
        """
        if [len(row) for row in rows] != self._lengths:
            raise ValueError(f"expected logits of lengths {self._lengths}")
        for logits, row in zip(self.logits, rows, strict=True):
            logits[: len(row)] = [-math.inf if logit is None else logit for logit in row]

    def _value(self, index: int, cell: int, chance: float) -> int | float:
        point = self._points[index]
        if _is_binned(point, self._lengths[index]):
            return at_position(point, (cell + chance) / self._lengths[index])
        if point.kind == "int":
            return int(point.low or 0) + cell * (point.step or 1)
        return cell

    def _cell(self, index: int, value: float) -> int:
        point, length = self._points[index], self._lengths[index]
        if _is_binned(point, length):
            return min(int(position(point, value) * length), length - 1)
        if point.kind == "int":
            return int(value - (point.low or 0)) // (point.step or 1)
        return int(value)

    def _draw_slots(self, unit: Unit, chances: Sequence[float]) -> list[int | float | None]:
        group = self._points[unit.start].group
        assert group is not None
        slots: list[int | float | None] = []
        for slot, chance in enumerate(chances):
            logits = self.logits[unit.start + slot, : group.num_candidates]
            allowed = _allowed_in_slot(group, slots)
            sums = np.cumsum(softmax(np.where(allowed, logits, -np.inf)))
            # Above zero, so that no candidate of probability zero is taken.
            slots.append(int((sums < max(chance, 2**-53) * sums[-1]).sum()))
        return slots

    def _allowed(self, values: Sequence[int | float | None]) -> _Mask:
        """Which cells each decision could have taken, given those before it."""
        allowed = np.isfinite(self.logits)
        for unit in self._units:
            group = self._points[unit.start].group
            if group is not None and values[unit.start] is not None:
                for index in range(unit.start + 1, unit.stop):
                    mask = _allowed_in_slot(group, values[unit.start : index])
                    allowed[index, : len(mask)] &= mask
        return allowed


def softmax(logits: _Array) -> _Array:
    """Over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: _Array = powers / powers.sum(axis=-1, keepdims=True)
    return result


def _is_binned(point: DecisionPoint, length: int) -> bool:
    if point.kind == "int":
        return (int(point.high or 0) - int(point.low or 0)) // (point.step or 1) + 1 > length
    return point.kind == "float"


def _initial(point: DecisionPoint, bins: int) -> list[float]:
    """The logits with which draws are those of `space.random`."""
    if point.group is not None:
        slot = point.index - point.group.indices[0]
        return [_log_ways(point.group, slot, c) for c in range(point.group.num_candidates)]
    if point.kind == "categorical":
        return [0.0] * (point.num_candidates or 1)
    if point.kind == "int":
        of_values = shares(point)
        if len(of_values) <= bins:
            return [math.log(share) for share in of_values]
    return [0.0] * bins


def _log_ways(group: Group, slot: int, candidate: int) -> float:
    """The logarithm of how many ways there are to fill the slots after `slot`.

    Where a slot takes candidates in proportion to it, all arrangements are alike.
    """
    left = len(group.indices) - 1 - slot
    if not group.sorted or not left:
        return 0.0
    following = group.num_candidates - candidate - (1 if group.distinct else 0)
    ways = math.comb(following if group.distinct else following + left - 1, left)
    return math.log(ways) if ways else -math.inf


def _allowed_in_slot(group: Group, before: Sequence[int | float | None]) -> _Mask:
    """The candidates that a slot may choose after those of the slots before it."""
    allowed = np.ones(group.num_candidates, dtype=bool)
    if not before:
        return allowed
    last = int(before[-1] or 0)
    if group.sorted:
        allowed[: last + 1 if group.distinct else last] = False
    elif group.distinct:
        allowed[[int(value or 0) for value in before]] = False
    return allowed
