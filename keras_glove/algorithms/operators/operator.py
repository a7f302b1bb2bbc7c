"""What evolution is made of: operators on populations, joined by `>>`."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from keras_glove.algorithms import checks
from keras_glove.errors import AlgorithmError
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.hyper.origins import note_descent


class Individual(NamedTuple):
    """One member of a population.

    Attributes:
        dna: the decisions.
        reward: to be maximised; None for a child that was not evaluated yet, and where
            there are several objectives.
        number: how many individuals came before it, so the oldest has the smallest; None
            for a child.
        rewards: one number for each objective, all to be maximised; empty for a child.
        violation: how far it broke constraints on outcomes; 0.0 if it kept them.
    """

    dna: DNA
    reward: float | None = None
    number: int | None = None
    rewards: tuple[float, ...] = ()
    violation: float = 0.0


class Operator(abc.ABC):
    """Turns a population into another: it selects, mutates or recombines.

    `a >> b` applies `a`, then `b` to what `a` gave. Operators are values: frozen
    dataclasses without state, whose `repr` is the expression that makes them. A new one
    subclasses and implements `_apply`; if it needs one number to tell the better, it sets
    `scalar`, and evolution composed with it refuses several objectives.

    >>> from keras_glove.algorithms import Tournament, Uniform
    >>> Tournament(10) >> Uniform()
    Tournament(size=10, count=1) >> Uniform(hints=None, times=1)
    """

    #: Whether it reads `Individual.reward`, which only a single objective has.
    scalar: ClassVar[bool] = False

    def __call__(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        """Applies the operator.

        Args:
            population: individuals, the oldest first.
            space: the space that their DNA belong to.
            rng: the only source of chance.

        Raises:
            AlgorithmError: if the population is empty, or does not suit the operator.
        """
        if not population:
            raise AlgorithmError(f"{self!r} expected at least one individual, received none.")
        return self._apply(population, space, rng)

    def __rshift__(self, other: Operator) -> Operator:
        if not isinstance(other, Operator):
            return NotImplemented
        return Pipeline((*self.parts(), *other.parts()))

    def parts(self) -> tuple[Operator, ...]:
        """The operators that are applied one after the other: itself, or the steps of a `>>`."""
        return (self,)

    @abc.abstractmethod
    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        """The operator's work on a population of at least one."""


def child_of(
    dna: DNA, operation: str, parents: Sequence[Individual], space: SearchSpace
) -> Individual:
    """A child that knows its parents; of one that is a child itself, also what that was made of."""
    first = parents[0]
    before = first.dna.origin if first.number is None else None
    note_descent(dna, operation, [parent.dna for parent in parents], space, before=before)
    return Individual(dna)


@dataclass(frozen=True, repr=False)
class Pipeline(Operator):
    """Operators applied one after the other; written `a >> b`."""

    steps: tuple[Operator, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise AlgorithmError("expected at least one operator in a Pipeline, received none.")
        for step in self.steps:
            checks.instance("every step", step, Operator)

    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        result = list(population)
        for step in self.steps:
            result = step(result, space, rng)
        return result

    def parts(self) -> tuple[Operator, ...]:
        return self.steps

    def __repr__(self) -> str:
        return " >> ".join(map(repr, self.steps))
