"""Costs that the user gives for each decision, or that were measured, as a formula over all."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_glove.errors import CostError
from keras_glove.hyper import DNA, DecisionPoint, SearchSpace
from keras_glove.weight_sharing.decisions import Codec, Decisions, size_of
from keras_glove.weight_sharing.supernet import sharing_of
from keras_glove.weight_sharing.tables import MOST_ENTRIES, Table

__all__ = ["GivenCosts", "given_costs"]

Cost = Callable[..., float] | Sequence[float] | Mapping[Any, float]


class GivenCosts:
    """A sum of costs, each of which depends on a few decisions.

    Args:
      terms: tables of numbers.
      codec: reads DNAs.
    """

    def __init__(self, terms: Sequence[Table], codec: Codec) -> None:
        self._terms = list(terms)
        self._codec = codec

    def __call__(self, dna: DNA) -> float:
        """The number for a DNA."""
        decided = self._codec.arrays(dna)[0].tolist()
        return math.fsum(float(term.at(decided)) for term in self._terms)

    def tensor(self, decisions: Decisions) -> Any:
        """The number in the graph, a float32 scalar; the expectation under relaxed decisions."""
        total = ops.convert_to_tensor(0.0)
        for term in self._terms:
            total += term.tensor(decisions, "float32")
        return total


def given_costs(model: Any, costs: Mapping[Any, Cost], base: float = 0.0) -> GivenCosts:
    """What each child costs, by what its decisions are said to cost.

    Args:
      model: a supernet, or a search space.
      costs: for the name of a decision, or a tuple of names, what it costs: a function of the
        values as `SearchSpace.decisions` shows them; a mapping from these values; or, for one
        decision, a list with a number for each candidate. Where one of the decisions is inactive
        nothing is added.
      base: what every child costs.

    Raises:
      CostError: a name or value is not of the space, a decision is a float, or a cost no finite
        number.

    A latency that was measured, as a function of a width:

    >>> import keras
    >>> from keras_glove import layers, oneof, program
    >>> from keras_glove.cost import LatencyTable
    >>> table = LatencyTable(((16.0, 64.0),), (1.0, 4.0))
    >>> space = SearchSpace({"width": oneof([16, 32, 64], name="width")})
    >>> cost = given_costs(space, {"width": table}, base=0.5)
    >>> [cost(dna) for dna in space]
    [1.5, 2.5, 4.5]
    """
    space = model if isinstance(model, SearchSpace) else sharing_of(model).space
    places = {point.name: point for point in space.points}
    terms = [Table((), np.array(_finite("base", base)))]
    for names, cost in costs.items():
        names = names if isinstance(names, tuple) else (names,)
        unknown = [name for name in names if name not in places]
        if unknown:
            raise CostError(
                f"Expected names of decisions, {sorted(places)}, received {unknown[0]!r}."
            )
        terms.append(_term([places[name] for name in names], cost, space))
    return GivenCosts(terms, Codec(space))


def _term(points: list[DecisionPoint], cost: Cost, space: SearchSpace) -> Table:
    sizes = [size_of(point) for point in points]
    if 0 in sizes or math.prod(sizes) > MOST_ENTRIES:
        names = [point.name for point in points]
        raise CostError(
            f"Expected decisions between a few values, received {names}, of which one is a float "
            f"or which have more than {MOST_ENTRIES:,} combinations together."
        )
    values = np.empty(sizes, dtype="float64")
    for index in np.ndindex(*sizes):
        shown = [_shown(point, i) for point, i in zip(points, index, strict=True)]
        values[index] = _finite(shown, _value(cost, shown, index))
    table = Table([point.index for point in points], values)
    for point in points:
        table = table * _activity(point, space)
    return table


def _shown(point: DecisionPoint, index: int) -> Any:
    if point.kind == "int":
        return int(point.low or 0) + index * (point.step or 1)
    return point.readable(index)


def _value(cost: Cost, shown: list[Any], index: tuple[int, ...]) -> Any:
    try:
        if isinstance(cost, Mapping):
            return cost[shown[0] if len(shown) == 1 else tuple(shown)]
        if callable(cost):
            return cost(*shown)
        (place,) = index
        return cost[place]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        if isinstance(error, CostError):
            raise
        raise CostError(f"Expected a cost for {shown}, found none: {error!r}.") from error


def _finite(place: Any, number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float | np.number):
        raise CostError(f"Expected a number as the cost of {place}, received {number!r}.")
    if not math.isfinite(number):
        raise CostError(f"Expected a finite cost of {place}, received {number!r}.")
    return float(number)


def _activity(point: DecisionPoint, space: SearchSpace) -> Table:
    """1 where a point is active, 0 elsewhere; so are those that it depends on."""
    table = Table((), np.array(1.0))
    for clause in (point.conditions, *point.also):
        if clause:
            table = table * functools.reduce(_either, [_holds(*pair, space) for pair in clause])
    return table


def _holds(place: int, value: int | None, space: SearchSpace) -> Table:
    parent = space.points[place]
    active = _activity(parent, space)
    if value is None:
        return active.map(lambda values: 1.0 - values)
    first, step = (parent.low or 0, parent.step or 1) if parent.kind == "int" else (0, 1)
    at = (int(value) - int(first)) // step
    chosen = (np.arange(size_of(parent)) == at).astype("float64")
    return Table((place,), chosen) * active


def _either(one: Table, other: Table) -> Table:
    return (one + other).map(lambda values: np.minimum(values, 1.0))
