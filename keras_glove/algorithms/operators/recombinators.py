"""Operators that make children of two parents each."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keras_glove.algorithms import checks
from keras_glove.algorithms.operators.operator import Individual, Operator, child_of
from keras_glove.errors import AlgorithmError
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.hyper.dna import Value

Values = list[Value]


class Recombinator(Operator):
    """An operator that pairs neighbours and gives one child per pair.

    What two parents give need not be valid in a conditional space: decisions that no
    parent took are drawn, those in closed branches are dropped, and slots of one
    `manyof` are repaired.
    """

    #: What it is called in the lineage of children.
    how: ClassVar[str] = "crossover"

    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        if len(population) % 2:
            raise AlgorithmError(
                f"{self!r} expected pairs of parents, received {len(population)}; select an even "
                "number, for example `Tournament(10, count=2)`."
            )
        pairs = zip(population[::2], population[1::2], strict=True)
        return [
            child_of(
                self._child(a.dna, b.dna, space, rng), "recombine", [a, b], space, how=self.how
            )
            for a, b in pairs
        ]

    def _child(self, a: DNA, b: DNA, space: SearchSpace, rng: np.random.Generator) -> DNA:
        return space.complete(self._recombine(a, b, rng), rng)

    @abc.abstractmethod
    def _recombine(self, a: DNA, b: DNA, rng: np.random.Generator) -> Values:
        """The values of the child before repair."""


@dataclass(frozen=True)
class UniformCrossover(Recombinator):
    """Each decision comes from one of the two parents at random.

    Where only one parent took the decision, it comes from that parent.

    Attributes:
        rate: the probability that parents are crossed at all; else the child is the first
            of them, for a mutator to change.

    >>> from keras_glove.algorithms import Tournament, Uniform, UniformCrossover
    >>> Tournament(10, count=2) >> UniformCrossover() >> Uniform()
    Tournament(size=10, count=2) >> UniformCrossover(rate=1.0) >> Uniform(hints=None, times=1)
    """

    rate: float = 1.0

    def __post_init__(self) -> None:
        checks.probability("rate", self.rate)

    def _recombine(self, a: DNA, b: DNA, rng: np.random.Generator) -> Values:
        if self.rate < 1 and rng.random() >= self.rate:
            return list(a.values)
        sides = rng.random(len(a)).tolist()
        return [
            _either(x, y) if side < 0.5 else _either(y, x)
            for x, y, side in zip(a.values, b.values, sides, strict=True)
        ]


@dataclass(frozen=True)
class KPointCrossover(Recombinator):
    """Cuts both parents at the same `points` places and takes the pieces in turn.

    Attributes:
        points: how many cuts; a space of n decisions has n - 1 places, and no more are
            used.
    """

    points: int = 1

    def __post_init__(self) -> None:
        checks.integer("points", self.points, low=1)

    def _recombine(self, a: DNA, b: DNA, rng: np.random.Generator) -> Values:
        places = len(a) - 1
        cuts = set((rng.permutation(places)[: self.points] + 1).tolist())
        values: Values = []
        from_a = True
        for index, (x, y) in enumerate(zip(a.values, b.values, strict=True)):
            if index in cuts:
                from_a = not from_a
            values.append(_either(x, y) if from_a else _either(y, x))
        return values


def _either(first: Value, second: Value) -> Value:
    return second if first is None else first
