"""NSGA-II: evolution for several objectives."""

from __future__ import annotations

from keras_glove.algorithms import checks
from keras_glove.algorithms.evolution import Evolution
from keras_glove.algorithms.operators import (
    CrowdedTournament,
    NonDominated,
    Operator,
    PerPoint,
    UniformCrossover,
)


class NSGA2(Evolution):
    """The non-dominated sorting genetic algorithm (Deb et al. 2002, IEEE TEC 6(2), section III).

    After `population_size` random individuals, generations of as many children are made:
    each of two parents, who won crowded tournaments of two, by crossover and mutation.
    When a generation has its rewards, the best of parents and children survive: by front,
    and within the last front by crowding distance. A child that broke constraints on
    outcomes (its `violation`) loses to any that kept them.

    With one objective it is a plain generational evolution with elitism.

    Args:
        population_size: parents, and children of each generation; it bounds how many
            points of the Pareto front can be told apart.
        mutator: one child to one mutant; None is `PerPoint()`, which changes one decision
            on average, as in the paper.
        recombinator: pairs of parents to one child each; None is `UniformCrossover(0.9)`,
            at the rate of the paper.
        seed: see `Algorithm`.

    Raises:
        AlgorithmError: for a size below 1, operators that are none, or that need a single
            reward.

    >>> from keras_glove.algorithms import NSGA2
    >>> from keras_glove.hyper import SearchSpace, intv
    >>> algorithm = NSGA2(population_size=20, seed=0)
    >>> algorithm.setup(SearchSpace({"width": intv(1, 100)}), objectives=2)
    >>> for _ in range(200):
    ...     dna = algorithm.propose()
    ...     algorithm.feedback(dna, (float(dna[0]), -float(dna[0])))  # all are worth having
    >>> len({individual.dna for individual in algorithm.population[:20]}) > 15
    True
    """

    def __init__(
        self,
        population_size: int = 100,
        mutator: Operator | None = None,
        recombinator: Operator | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        self._population_size = population_size
        self._mutator = mutator if mutator is not None else PerPoint()
        self._recombinator = recombinator if recombinator is not None else UniformCrossover(0.9)
        checks.integer("population_size", population_size, low=1)
        checks.instance("mutator", self._mutator, Operator)
        checks.instance("recombinator", self._recombinator, Operator)
        parents = CrowdedTournament(2, count=2 * population_size)
        super().__init__(
            reproduction=parents >> self._recombinator >> self._mutator,
            survival=NonDominated(population_size, spare=population_size),
            initial=population_size,
            seed=seed,
        )
