"""Evolution: a population, what survives of it, and how it reproduces."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from keras_glove.algorithms import checks
from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.algorithms.lineage import COPY, Lineage, lineage_to_json, lineages_from_json
from keras_glove.algorithms.operators import (
    Individual,
    Mutator,
    Newest,
    Operator,
    Tournament,
    Uniform,
)
from keras_glove.algorithms.outcomes import Outcome
from keras_glove.errors import AlgorithmError
from keras_glove.hyper import DNA, SearchSpace

_REFUSALS = 32  # drafts in a row, after which children are mutated once more.
_DETOURS = 3  # further mutations, at most, of a child that has become a living individual.
_ALL_LIVE = 256  # drafts in a row, after which all that is allowed may well be living.


class Evolution(Algorithm):
    """Evolution composed of operators.

    While fewer than `initial` rewards are known, proposals are random. After that,
    `reproduction` turns the population into children, which are proposed one by one.
    Every reward adds an individual, and `survival` says who stays. Trials that fail add
    none, so a proposal that is late or lost never blocks the others. Children that broke
    constraints on outcomes live too, but lose to those that kept them. With selectors for
    several objectives it searches for several; `NSGA2` is composed like that.

    Where the constraints of the space refuse 32 drafts in a row, children are mutated once
    more, after 64 twice, and so on: so the search also passes from one allowed point to
    another that is several changes away.

    Args:
        reproduction: the population, oldest first, to the children to evaluate next.
        survival: the population with its new member, oldest first, to those that stay.
        initial: how many rewards of random proposals come before reproduction.
        seed: see `Algorithm`.

    Raises:
        AlgorithmError: for settings that are not operators or below 1.

    Evolution with crossover, where the best 20 of all survive instead of the newest:

    >>> from keras_glove.algorithms import Evolution, Top, Tournament, Uniform, UniformCrossover
    >>> Evolution(
    ...     reproduction=Tournament(5, count=2) >> UniformCrossover() >> Uniform(),
    ...     survival=Top(20),
    ...     initial=20,
    ... ).space is None
    True
    """

    def __init__(
        self,
        reproduction: Operator,
        survival: Operator,
        initial: int = 100,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        checks.instance("reproduction", reproduction, Operator)
        checks.instance("survival", survival, Operator)
        checks.integer("initial", initial, low=1)
        self._reproduction = reproduction
        self._survival = survival
        self._initial = initial
        self._clear()

    how = "evolution"

    @property
    def multi_objective(self) -> bool:
        """Whether none of its operators needs a single reward."""
        parts = (*self._reproduction.parts(), *self._survival.parts())
        return not any(part.scalar for part in parts)

    @property
    def population(self) -> list[Individual]:
        """Those that live now, the oldest first."""
        return list(self._population)

    def _clear(self) -> None:
        self._population: list[Individual] = []
        self._children: deque[Individual] = deque()
        self._count = 0  # how many individuals there have been, the dead included.

    def _setup(self, space: SearchSpace) -> None:
        self._clear()

    def _propose(self) -> DNA:
        space = self._ready("propose")
        if self._count < self._initial:
            self._lineage = Lineage("random")
            return space.random(self._rng)
        if not self._children:
            selected = self._reproduction(self._population, space, self._rng)
            self._children.extend(map(_as_child, selected))
            if not self._children:
                raise AlgorithmError(f"{self._reproduction!r} gave no children to propose.")
        child = self._children.popleft()
        if self._refused >= _REFUSALS:
            child = self._mutated(child, self._refused // _REFUSALS)
        if child.lineage is not None:
            self._lineage = child.lineage
        return child.dna

    def _mutated(self, child: Individual, times: int) -> Individual:
        """Changes a child further, by the mutators of the reproduction; not into a parent."""
        parts = self._reproduction.parts()
        mutators = [part for part in parts if isinstance(part, Mutator)] or [Uniform()]
        living = set()
        if self._refused < _ALL_LIVE:
            living = {individual.dna for individual in self._population}
        children = [child]
        for number in range(times + _DETOURS):
            if number >= times and children[0].dna not in living:
                break
            for mutator in mutators:
                children = mutator(children, self._ready("propose"), self._rng)
        return children[0]

    def _learn(self, dna: DNA, outcome: Outcome) -> None:
        rewards, violation, _ = outcome
        self._population.append(_individual(dna, self._count, rewards, violation))
        self._count += 1
        self._population = self._survival(self._population, self._ready("feedback"), self._rng)

    def _get_state(self) -> dict[str, Any]:
        return {
            "population": [
                [str(i.dna), i.rewards, i.number, i.violation] for i in self._population
            ],
            "children": [str(child.dna) for child in self._children],
            "lineages": [lineage_to_json(child.lineage) for child in self._children],
            "count": self._count,
        }

    def _set_state(self, state: Mapping[str, Any]) -> None:
        self._population = [
            _individual(
                self._dna(dna),
                checks.count("a number", number),
                checks.rewards(rewards if self.objectives > 1 else rewards[0], self.objectives),
                checks.violation(violation),
            )
            for dna, rewards, number, violation in state["population"]
        ]
        children = list(map(self._dna, state["children"]))
        lineages = lineages_from_json(state, len(children), self._dna)
        self._children = deque(
            Individual(dna, lineage=lineage)
            for dna, lineage in zip(children, lineages, strict=True)
        )
        self._count = checks.count("count", state["count"])


def _individual(dna: DNA, number: int, rewards: tuple[float, ...], violation: float) -> Individual:
    reward = rewards[0] if len(rewards) == 1 else None
    return Individual(dna, reward, number, rewards, violation)


def _as_child(individual: Individual) -> Individual:
    """What reproduction gave, to be proposed; it may have selected, and done nothing more."""
    if individual.number is None:
        return individual
    return Individual(individual.dna, lineage=Lineage(COPY, (individual.dna,)))


class RegularizedEvolution(Evolution):
    """Ageing evolution (Real et al. 2019, arXiv:1802.01548, algorithm 1).

    After `population_size` random individuals, each proposal mutates the best of
    `tournament_size` individuals drawn with replacement; each reward lets the oldest
    individual die, good or bad. The defaults are those of the comparison of tabular
    benchmarks in Ying et al. 2019 (arXiv:1902.09635); the first paper used 100 and 25,
    small searches do well with 50 and 10 or fewer.

    Args:
        population_size: how many individuals live at a time.
        tournament_size: 1 drifts at random, larger is greedier.
        mutator: one parent to one child; an operator or a pipeline of them.
        seed: see `Algorithm`.

    Raises:
        AlgorithmError: for sizes below 1 or a mutator that is not an operator.

    >>> from keras_glove.algorithms import RegularizedEvolution
    >>> RegularizedEvolution(population_size=50, seed=0)
    RegularizedEvolution(population_size=50, tournament_size=10, \
mutator=Uniform(hints=None, times=1), seed=0)
    """

    def __init__(
        self,
        population_size: int = 100,
        tournament_size: int = 10,
        mutator: Operator | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        self._population_size = population_size
        self._tournament_size = tournament_size
        self._mutator = mutator if mutator is not None else Uniform()
        checks.integer("population_size", population_size, low=1)
        checks.integer("tournament_size", tournament_size, low=1)
        checks.instance("mutator", self._mutator, Operator)
        super().__init__(
            reproduction=Tournament(tournament_size) >> self._mutator,
            survival=Newest(population_size),
            initial=population_size,
            seed=seed,
        )
