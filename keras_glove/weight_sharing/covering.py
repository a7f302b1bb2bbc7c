"""A few DNAs that have every candidate among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_glove.hyper import DNA, SearchSpace

__all__ = ["covering"]

Wanted = list[tuple[int, Any]]


def covering(space: SearchSpace) -> Iterator[DNA]:
    """DNAs that have every candidate of every choice among them, and both ends of numbers.

    >>> from keras_glove.hyper import intv, oneof
    >>> [dna.values for dna in covering(SearchSpace([oneof([*"abc"]), intv(1, 9)]))]
    [(0, 1), (1, 9), (2, 1)]
    """
    wanted, dna, rng = list(_values(space)), space.first(), np.random.default_rng(0)
    while True:
        yield dna
        wanted = [(place, value) for place, value in wanted if dna.values[place] != value]
        if not wanted:
            return
        target = wanted.pop(0)
        dna = space.complete(_with(space, target, wanted), rng)


def _values(space: SearchSpace) -> Iterator[tuple[int, Any]]:
    for place, point in enumerate(space.points):
        if point.kind == "categorical":
            yield from ((place, index) for index in range(int(point.num_candidates or 0)))
        else:
            yield from ((place, end) for end in (point.low, point.high))


def _with(space: SearchSpace, target: tuple[int, Any], others: Wanted) -> list[Any]:
    """Wishes: the target, what it is nested in, and others as far as they do not stand against."""
    values: list[Any] = list(space.first().values)
    for place, value in reversed(others):
        values[place] = value
    pending = [target]
    while pending:
        place, values[place] = pending.pop()
        point = space.points[place]
        pending += [clause[0] for clause in (point.conditions, *point.also) if clause]
    return values
