"""The neighbourhood of a DNA: all DNA in which one decision has changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from keras_glove.algorithms.positions import at_position, numbers, position
from keras_glove.hyper import DNA, DecisionPoint, SearchSpace

#: How far numbers go up and down, as fractions of their scale.
STRIDES = (0.2, 0.05, 0.0125)

Values = Sequence[int | float | None]


def neighbours(space: SearchSpace, dna: DNA, rng: np.random.Generator) -> list[DNA]:
    """All DNA that differ from `dna` in one decision, once each, in the order of the points.

    A choice takes every other candidate. A number goes up and down by 1/5, 1/20 and 1/80
    of its scale, an int at least to its next value. The slots of a `manyof` take every
    candidate that they may: where slots are distinct, also by swapping with another slot;
    where they are sorted, put in order. Decisions that become active are drawn, so the
    neighbourhood of a conditional space is a random one.

    Args:
        space: that `dna` belongs to.
        dna: the middle of the neighbourhood.
        rng: draws the decisions that become active.

    >>> from keras_glove.hyper import intv, oneof
    >>> space = SearchSpace([oneof(["a", "b", "c"]), intv(1, 3)])
    >>> [str(dna) for dna in neighbours(space, DNA([0, 2]), np.random.default_rng(0))]
    ['1,2', '2,2', '0,1', '0,3']
    """
    found: dict[DNA, None] = {}
    for point in space.points:
        if dna[point.index] is None:
            continue
        changes = _slot_changes if point.group is not None else _changes
        for values in changes(point, numbers(dna)):
            found[space.complete(values, rng)] = None
    found.pop(dna, None)
    return list(found)


def _changes(point: DecisionPoint, values: Values) -> Iterator[Values]:
    index = point.index
    for other in _others(point, values[index]):
        yield [*values[:index], other, *values[index + 1 :]]


def _others(point: DecisionPoint, value: int | float | None) -> list[int | float]:
    assert value is not None
    if point.kind == "categorical":
        return [other for other in range(point.num_candidates or 0) if other != value]
    here = position(point, value)
    found = [at_position(point, here + sign * stride) for stride in STRIDES for sign in (-1, 1)]
    if point.kind == "int":
        step = point.step or 1
        found += [value - step, value + step]
    low, high = point.low or 0, point.high or 0
    return sorted({other for other in found if other != value and low <= other <= high})


def _slot_changes(point: DecisionPoint, values: Values) -> Iterator[Values]:
    group = point.group
    assert group is not None
    start, stop = group.indices[0], group.indices[-1] + 1
    for candidate in range(group.num_candidates):
        slots = list(values[start:stop])
        if group.distinct and candidate in slots:
            if group.sorted:  # it would be the same set.
                continue
            slots[slots.index(candidate)] = values[point.index]
        slots[point.index - start] = candidate
        yield [*values[:start], *slots, *values[stop:]]
