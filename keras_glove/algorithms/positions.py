"""Numbers as positions on the unit interval, by their own scale."""

from __future__ import annotations

import itertools
from typing import cast

from keras_glove.hyper import DNA, DecisionPoint
from keras_glove.hyper.domains import domain_of
from keras_glove.hyper.scales import UnitMap, unit_map


def numbers(dna: DNA) -> tuple[int | float | None, ...]:
    """The values of a DNA of a space without decision points of the user's own kind."""
    return cast("tuple[int | float | None, ...]", dna.values)


def position(point: DecisionPoint, value: float) -> float:
    """Where a number of an int or float point lies on its scale, from 0 to 1.

    Random draws are uniform in it. An integer owns an interval, whose middle this is.
    """
    if point.kind == "float":
        low, high = float(point.low or 0), float(point.high or 0)
        return unit_map(low, high, point.scale or "linear").inverse(value)
    cells, _ = _integers(point)
    place = (value - (point.low or 0)) / (point.step or 1)
    return (cells.inverse(place) + cells.inverse(place + 1)) / 2


def at_position(point: DecisionPoint, place: float) -> int | float:
    """The number at a position; the nearest end for one outside of 0 to 1."""
    return domain_of(point).draw(min(max(place, 0.0), 1.0))


def shares(point: DecisionPoint) -> list[float]:
    """For each value of an int point the share of its scale, that is of random draws."""
    cells, count = _integers(point)
    edges = [cells.inverse(place) for place in range(count + 1)]
    return [right - left for left, right in itertools.pairwise(edges)]


def _integers(point: DecisionPoint) -> tuple[UnitMap, int]:
    """The map of an int point in places (0, 1, ...) instead of values, and their number."""
    low, high, step = int(point.low or 0), int(point.high or 0), point.step or 1
    count = (high - low) // step + 1
    if point.scale == "linear":
        return unit_map(0, count, "linear"), count
    inner = unit_map(low, low + count * step, point.scale or "linear")
    return inner._replace(inverse=lambda place: inner.inverse(low + place * step)), count
