"""Selectors for several objectives, as in NSGA-II."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_glove.algorithms import checks
from keras_glove.algorithms.objectives import crowding_distance, non_dominated_sort
from keras_glove.algorithms.operators.operator import Individual, Operator
from keras_glove.errors import AlgorithmError
from keras_glove.hyper import SearchSpace


def crowded_ranks(population: Sequence[Individual]) -> list[tuple[int, float]]:
    """For each individual its front and minus its crowding distance: the smaller the better.

    The crowded comparison of Deb et al. 2002, section III-B, by constrained domination
    (definition 1 there).

    Raises:
        AlgorithmError: for individuals that were not evaluated.
    """
    for individual in population:
        if not individual.rewards:
            raise AlgorithmError(
                f"expected evaluated individuals to select from, received one without rewards "
                f"({individual.dna}); put selectors before mutators and recombinators."
            )
    rewards = np.array([individual.rewards for individual in population])
    fronts = non_dominated_sort(rewards, [individual.violation for individual in population])
    ranks = [(0, 0.0)] * len(population)
    for number, front in enumerate(fronts):
        distances = crowding_distance(rewards[front]).tolist()
        for index, distance in zip(front, distances, strict=True):
            ranks[index] = (number, -distance)
    return ranks


@dataclass(frozen=True)
class NonDominated(Operator):
    """The `count` individuals of the best fronts; of the last front the least crowded.

    Survival of NSGA-II (Deb et al. 2002, section III-C). Keeps the order of the population.

    Attributes:
        count: how many survive.
        spare: nothing happens before the population has outgrown `count` by so many:
            with as many as `count`, parents compete with a whole generation of children.
    """

    count: int = 100
    spare: int = 0

    def __post_init__(self) -> None:
        checks.integer("count", self.count, low=1)
        checks.integer("spare", self.spare, low=0)

    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        if len(population) < self.count + max(self.spare, 1):
            return list(population)
        ranks = crowded_ranks(population)
        best = sorted(range(len(population)), key=ranks.__getitem__)[: self.count]
        return [population[index] for index in sorted(best)]


@dataclass(frozen=True)
class CrowdedTournament(Operator):
    """The best of `size` individuals drawn with replacement, `count` times.

    Best is who is in the better front, and of one front the least crowded (Deb et al.
    2002, section III-B).

    >>> from keras_glove.algorithms import CrowdedTournament, PerPoint, UniformCrossover
    >>> (CrowdedTournament(2, count=2) >> UniformCrossover() >> PerPoint()).parts()[0]
    CrowdedTournament(size=2, count=2)
    """

    size: int = 2
    count: int = 1

    def __post_init__(self) -> None:
        checks.integer("size", self.size, low=1)
        checks.integer("count", self.count, low=1)

    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        ranks = crowded_ranks(population)
        drawn = (rng.random((self.count, self.size)) * len(population)).astype(int).tolist()
        return [population[min(entrants, key=ranks.__getitem__)] for entrants in drawn]
