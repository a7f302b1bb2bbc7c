"""Search for several objectives."""

from __future__ import annotations

import numpy as np
import pytest

from keras_glove.algorithms import (
    NSGA2,
    Algorithm,
    CrowdedTournament,
    Evolution,
    Individual,
    Newest,
    NonDominated,
    Optuna,
    Random,
    RegularizedEvolution,
    Top,
    Tournament,
    Uniform,
    hypervolume,
    pareto_front,
)
from keras_glove.errors import AlgorithmError, SerializationError
from keras_glove.hyper import DNA, SearchSpace, floatv, oneof

ZDT1 = SearchSpace([floatv(0.0, 1.0) for _ in range(8)])
SPACE = SearchSpace([oneof(list(range(10))), oneof(list(range(10)))])


def zdt1(dna: DNA) -> tuple[float, float]:
    """Two objectives with the front f2 = 1 - sqrt(f1) where all others are 0, both turned."""
    first, *rest = map(float, dna)  # type: ignore[arg-type]
    g = 1 + 9 * sum(rest) / len(rest)
    return -first, -g * (1 - (first / g) ** 0.5)


def front(algorithm: Algorithm, trials: int) -> list[tuple[float, ...]]:
    algorithm.setup(ZDT1, objectives=2)
    found = []
    for _ in range(trials):
        dna = algorithm.propose()
        found.append(zdt1(dna))
        algorithm.feedback(dna, found[-1])
    return [found[index] for index in pareto_front(found)]


def volume(found: list[tuple[float, ...]]) -> float:
    return hypervolume(found, (-1.1, -5.0))


@pytest.mark.parametrize("seed", range(4))
def test_comes_closer_to_the_front_than_random(seed: int) -> None:
    best = 1.1 * 5.0 - 1 / 3  # of the whole front
    evolved, drawn = (volume(front(make(), 800)) for make in (
        lambda: NSGA2(40, seed=seed), lambda: Random(seed=seed)))  # fmt: skip
    assert best - evolved < (best - drawn) / 2


def individuals(
    *rewards: tuple[float, ...], violations: list[float] | None = None
) -> list[Individual]:
    broken = violations or [0.0] * len(rewards)
    return [
        Individual(DNA([number, 0]), None, number, row, violation)
        for number, (row, violation) in enumerate(zip(rewards, broken, strict=True))
    ]


def numbers(found: list[Individual]) -> list[int | None]:
    return [individual.number for individual in found]


def test_the_last_front_is_thinned_where_it_is_crowded() -> None:
    population = individuals((0, 10), (1, 9), (1.5, 8.9), (5, 5), (10, 0), (0, 0))
    rng = np.random.default_rng(0)
    assert numbers(NonDominated(4)(population, SPACE, rng)) == [0, 2, 3, 4]
    assert numbers(NonDominated(4, spare=3)(population, SPACE, rng)) == [0, 1, 2, 3, 4, 5]


def test_who_keeps_constraints_survives() -> None:
    population = individuals((9, 9), (1, 1), (8, 8), violations=[1.0, 0.0, 0.5])
    rng = np.random.default_rng(0)
    assert numbers(NonDominated(2)(population, SPACE, rng)) == [1, 2]
    assert numbers(CrowdedTournament(30)(population, SPACE, rng)) == [1]


def test_one_objective_evolves_too_by_violation_first() -> None:
    population = [
        Individual(DNA([0, 0]), 5.0, 0, (5.0,), 1.0),
        Individual(DNA([1, 0]), 1.0, 1, (1.0,)),
        Individual(DNA([2, 0]), 9.0, 2, (9.0,), 2.0),
    ]
    rng = np.random.default_rng(0)
    assert numbers(Top(3)(population, SPACE, rng)) == [1, 0, 2]
    assert numbers(Tournament(30)(population, SPACE, rng)) == [1]


def test_a_generation_survives_as_a_whole() -> None:
    algorithm = NSGA2(5, seed=0)
    algorithm.setup(SPACE, objectives=2)
    sizes = []
    for _ in range(15):
        dna = algorithm.propose()
        algorithm.feedback(dna, (dna[0], -dna[0]))  # type: ignore[operator]
        sizes.append(len(algorithm.population))
    assert sizes == [1, 2, 3, 4, 5, 6, 7, 8, 9, 5, 6, 7, 8, 9, 5]


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        (NSGA2(4), True),
        (RegularizedEvolution(4, 2), False),
        (Evolution(CrowdedTournament() >> Uniform(), Newest(4), 4), True),
        (Evolution(Tournament(2) >> Uniform(), NonDominated(4), 4), False),
        (Evolution(Uniform(), Newest(4) >> Top(2), 4), False),
        (Optuna("cmaes"), False),
        (Optuna("tpe"), True),
    ],
)
def test_operators_say_how_many_objectives(algorithm: Algorithm, expected: bool) -> None:
    assert algorithm.multi_objective is expected


def test_scalar_selectors_explain_themselves() -> None:
    with pytest.raises(AlgorithmError, match="CrowdedTournament"):
        Top(1)(individuals((1, 2)), SPACE, np.random.default_rng(0))
    with pytest.raises(AlgorithmError, match="selectors before mutators"):
        NonDominated(1)([Individual(DNA([0, 0]))] * 2, SPACE, np.random.default_rng(0))


def test_a_state_is_for_its_number_of_objectives() -> None:
    one, two = NSGA2(4, seed=0), NSGA2(4, seed=0)
    one.setup(SPACE)
    two.setup(SPACE, objectives=2)
    with pytest.raises(SerializationError, match="2 objective"):
        two.set_state(one.get_state())
    with pytest.raises(AlgorithmError, match="already searches for 1"):
        one.setup(SPACE, objectives=2)
