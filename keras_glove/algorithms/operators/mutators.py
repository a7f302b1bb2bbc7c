"""Operators that change individuals one by one.

A mutation never gives back the DNA it was given as long as the decisions that it may
touch allow another.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from keras_glove.algorithms import checks
from keras_glove.algorithms.operators.operator import Individual, Operator, child_of
from keras_glove.errors import AlgorithmError
from keras_glove.hyper import DNA, SearchSpace


class Mutator(Operator):
    """An operator that gives one child per individual; subclasses implement `_mutate`."""

    #: What it is called in the lineage of children.
    how: ClassVar[str] = "mutation"

    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        return [
            child_of(self._mutate(parent.dna, space, rng), "mutate", [parent], space, how=self.how)
            for parent in population
        ]

    @abc.abstractmethod
    def _mutate(self, dna: DNA, space: SearchSpace, rng: np.random.Generator) -> DNA:
        """A changed DNA, valid in the space."""


@dataclass(frozen=True)
class Uniform(Mutator):
    """Gives new values to `times` active decisions, each as likely as the others.

    Categorical and integer decisions get one of their other values; numbers move on
    their own scale. Decisions that become active through it are drawn at random.

    Attributes:
        hints: only decisions with this hint change; a decision whose hints are a list
            or dict counts if one of its entries (or keys) equals it. None: all.
        times: how many decisions change.

    >>> from keras_glove.algorithms import Uniform
    >>> Uniform("op") >> Uniform("edge", times=3)  # one operation and three edges
    Uniform(hints='op', times=1) >> Uniform(hints='edge', times=3)
    """

    hints: Any = None
    times: int = 1

    def __post_init__(self) -> None:
        checks.integer("times", self.times, low=1)

    def _mutate(self, dna: DNA, space: SearchSpace, rng: np.random.Generator) -> DNA:
        changed, left = dna, self.times
        for index in _random_order(_active(dna, space, self.hints), rng):
            if changed.values[index] is None:  # an earlier change closed its branch.
                continue
            child = space.mutate_point(changed, index, rng)
            # A later change may undo an earlier one: two swaps of one permutation.
            if _differs(space, index, changed, child) and child != dna:
                changed, left = child, left - 1
                if not left:
                    break
        return changed


@dataclass(frozen=True)
class PerPoint(Mutator):
    """Gives each active decision a new value with probability `rate`, and at least one.

    Attributes:
        rate: a probability above 0 and at most 1; None means one over the number of
            active decisions that it may touch, so that one changes on average.
        hints: as for `Uniform`.
    """

    rate: float | None = None
    hints: Any = None

    def __post_init__(self) -> None:
        if self.rate is not None:
            checks.probability("rate", self.rate)

    def _mutate(self, dna: DNA, space: SearchSpace, rng: np.random.Generator) -> DNA:
        indices = _active(dna, space, self.hints)
        if not indices:
            return dna
        rate = self.rate if self.rate is not None else 1 / len(indices)
        changed = dna
        for index, draw in zip(indices, rng.random(len(indices)).tolist(), strict=True):
            if draw < rate and changed.values[index] is not None:
                child = space.mutate_point(changed, index, rng)
                if _differs(space, index, changed, child):
                    changed = child
        return changed if changed != dna else Uniform(self.hints)._mutate(dna, space, rng)


@dataclass(frozen=True)
class Weighted(Mutator):
    """Applies one of several mutators, drawn by weight for each individual.

    If the one drawn cannot change the DNA, the others are drawn from.

    Attributes:
        options: pairs of a mutator (or a pipeline of them) and its weight.

    >>> from keras_glove.algorithms import Uniform, Weighted
    >>> Weighted([(Uniform("op"), 1), (Uniform("edge"), 3)]).options[1][1]
    3
    """

    options: Sequence[tuple[Operator, float]]

    def __post_init__(self) -> None:
        if not self.options:
            raise AlgorithmError("expected at least one (mutator, weight) pair, received none.")
        for option in self.options:
            if not isinstance(option, tuple | list) or len(option) != 2:
                raise AlgorithmError(f"expected (mutator, weight) pairs, received {option!r}.")
            checks.instance("every option", option[0], Operator)
            checks.positive("every weight", option[1])
        object.__setattr__(self, "options", tuple(map(tuple, self.options)))

    def _mutate(self, dna: DNA, space: SearchSpace, rng: np.random.Generator) -> DNA:
        left = list(self.options)
        while left:
            index = _draw([weight for _, weight in left], rng)
            operator, _ = left.pop(index)
            child = operator([Individual(dna)], space, rng)[0].dna
            if child != dna:
                return child
        return dna


def _active(dna: DNA, space: SearchSpace, hints: Any) -> list[int]:
    """The indices of the active decisions that carry the hint."""
    active = [index for index, value in enumerate(dna.values) if value is not None]
    if hints is None:
        return active
    points = space.points
    return [index for index in active if _has_hint(points[index].hints, hints)]


def _has_hint(held: Any, wanted: Any) -> bool:
    if held == wanted:
        return True
    return isinstance(held, list | dict) and wanted in held


def _differs(space: SearchSpace, index: int, before: DNA, after: DNA) -> bool:
    """Whether the decision itself changed, or its `manyof`, whose slots are rearranged.

    Of a decision with a single value the space changes another one, which may lack the hint.
    """
    if before.values[index] != after.values[index]:
        return True
    group = space.points[index].group
    slots = group.indices if group is not None else ()
    return any(before.values[slot] != after.values[slot] for slot in slots)


def _random_order(indices: list[int], rng: np.random.Generator) -> Iterator[int]:
    """All indices in random order; draws only as many numbers as are asked for."""
    while indices:
        place = int(rng.random() * len(indices))
        indices[place], indices[-1] = indices[-1], indices[place]
        yield indices.pop()


def _draw(weights: list[float], rng: np.random.Generator) -> int:
    """An index drawn in proportion to its weight."""
    left = rng.random() * sum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    return len(weights) - 1
