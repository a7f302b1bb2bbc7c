"""Operators that choose some of a population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keras_glove.algorithms import checks
from keras_glove.algorithms.operators.operator import Individual, Operator
from keras_glove.errors import AlgorithmError
from keras_glove.hyper import SearchSpace


def _merit(individual: Individual) -> tuple[float, float]:
    """What more of is better: to break no constraint, or less, and then the reward."""
    _, reward, _, rewards, violation, _ = individual
    if reward is None:
        if rewards:
            raise AlgorithmError(
                "expected individuals with one reward, received one with several; use "
                "`CrowdedTournament` and `NonDominated` for several objectives."
            )
        raise AlgorithmError(
            f"expected evaluated individuals to select from, received one without a reward "
            f"({individual.dna}); put selectors before mutators and recombinators."
        )
    return -violation, reward


@dataclass(frozen=True)
class Top(Operator):
    """The `count` individuals of highest reward, the best first; ties go to the older.

    Those that broke constraints on outcomes come after all that kept them.
    """

    scalar: ClassVar[bool] = True
    count: int = 1

    def __post_init__(self) -> None:
        checks.integer("count", self.count, low=1)

    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        return sorted(population, key=_merit, reverse=True)[: self.count]


@dataclass(frozen=True)
class Tournament(Operator):
    """The best of `size` individuals drawn with replacement, `count` times.

    With replacement as in algorithm 1 of Real et al. 2019 (arXiv:1802.01548), so that a
    tournament may be larger than the population. One that broke constraints on outcomes
    loses to any that kept them.
    """

    scalar: ClassVar[bool] = True
    size: int = 10
    count: int = 1

    def __post_init__(self) -> None:
        checks.integer("size", self.size, low=1)
        checks.integer("count", self.count, low=1)

    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        total = len(population)
        winners = []
        for _ in range(self.count):
            # int(u * n) for uniform u is several times faster than rng.integers(n).
            drawn = [population[int(u * total)] for u in rng.random(self.size).tolist()]
            winners.append(max(drawn, key=_merit))
        return winners


@dataclass(frozen=True)
class RandomSelect(Operator):
    """`count` different individuals drawn at random; all, if there are no more."""

    count: int = 1

    def __post_init__(self) -> None:
        checks.integer("count", self.count, low=1)

    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        order = rng.permutation(len(population))[: self.count].tolist()
        return [population[index] for index in order]


@dataclass(frozen=True)
class Newest(Operator):
    """The `count` individuals that came last, in order: survival by age."""

    count: int = 1

    def __post_init__(self) -> None:
        checks.integer("count", self.count, low=1)

    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        return list(population[-self.count :])


@dataclass(frozen=True)
class Oldest(Operator):
    """The `count` individuals that came first, in order."""

    count: int = 1

    def __post_init__(self) -> None:
        checks.integer("count", self.count, low=1)

    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        return list(population[: self.count])
