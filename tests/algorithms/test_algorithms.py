"""What each algorithm does, beyond the contract."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from keras_glove.algorithms import (
    NSGA2,
    Algorithm,
    Chain,
    Dedup,
    Evolution,
    HillClimb,
    LocalSearch,
    Mix,
    Newest,
    PolicyGradient,
    Random,
    RegularizedEvolution,
    Sweep,
    Top,
    Tournament,
    Uniform,
    Until,
)
from keras_glove.errors import AlgorithmError, SpaceError, StopSearch
from keras_glove.hyper import DNA, SearchSpace, floatv, intv, manyof, oneof
from keras_glove.testing import SPACES

LARGE = SearchSpace(SPACES["large"]())
TARGET = LARGE.sample(1, seed=123)[0]


def matches(dna: DNA) -> float:
    return float(sum(a == b for a, b in zip(dna, TARGET, strict=True)))


def run(
    algorithm: Algorithm, space: SearchSpace, trials: int, reward: Callable[[DNA], float]
) -> list[float]:
    algorithm.setup(space)
    rewards = []
    for _ in range(trials):
        dna = algorithm.propose()
        rewards.append(reward(dna))
        algorithm.feedback(dna, rewards[-1])
    return rewards


LEARNERS: dict[str, Callable[[int], Algorithm]] = {
    "regularized": lambda seed: RegularizedEvolution(30, 8, seed=seed),
    "hill_climb": lambda seed: HillClimb(seed=seed),
    "elitist": lambda seed: Evolution(Tournament(4) >> Uniform(), Top(20), 20, seed=seed),
    "nsga2": lambda seed: NSGA2(25, seed=seed),
    "local_search": lambda seed: LocalSearch(full=False, seed=seed),
    "policy_gradient": lambda seed: PolicyGradient(seed=seed),
    "normalized": lambda seed: PolicyGradient(normalize=True, seed=seed),
    "dedup": lambda seed: Dedup(RegularizedEvolution(30, 8), seed=seed),
    "mix": lambda seed: Mix({RegularizedEvolution(30, 8): 1, HillClimb(): 1}, seed=seed),
    "chain": lambda seed: Chain([Until(Random(), trials=50), HillClimb()], seed=seed),
}


@pytest.mark.parametrize("make", LEARNERS.values(), ids=LEARNERS)
def test_finds_a_planted_optimum_better_than_random(make: Callable[[int], Algorithm]) -> None:
    for seed in range(10):
        best = max(run(make(seed), LARGE, 400, matches))
        best_of_random = max(run(Random(seed=seed), LARGE, 400, matches))
        assert best >= best_of_random + 5


# --- regularized evolution ----------------------------------------------------------


def test_population_dies_by_age_not_by_merit() -> None:
    algorithm = RegularizedEvolution(5, 2, seed=0)
    run(algorithm, LARGE, 20, lambda dna: -matches(dna))
    population = algorithm.get_state()["state"]["population"]
    assert [number for _, _, number, _ in population] == [15, 16, 17, 18, 19]


def test_evolution_begins_with_so_many_random_rewards() -> None:
    algorithm, random = RegularizedEvolution(6, 3, seed=4), Random(seed=4)
    algorithm.setup(LARGE)
    random.setup(LARGE)
    expected = [random.propose() for _ in range(8)]
    proposed = []
    for number in range(8):  # every third fails, so the population of 6 is full after 8.
        proposed.append(algorithm.propose())
        if number % 3 == 2:
            algorithm.fail(proposed[-1])
        else:
            algorithm.feedback(proposed[-1], 1.0)
    assert proposed == expected
    child = algorithm.propose()
    assert min(sum(a != b for a, b in zip(child, dna, strict=True)) for dna in proposed) == 1


def test_every_child_is_proposed() -> None:
    algorithm = Evolution(Newest(3) >> Uniform(), Newest(3), 3, seed=0)
    run(algorithm, LARGE, 4, matches)
    assert len(algorithm.get_state()["state"]["children"]) == 2


def test_memory_does_not_grow_with_trials() -> None:
    algorithm = RegularizedEvolution(10, 3, seed=0)
    sizes = []
    for _ in range(3):
        run(algorithm, LARGE, 200, matches)
        sizes.append(len(str(algorithm.get_state()["state"])))
    assert max(sizes) < 1.2 * min(sizes)


# --- sweep --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "grid", "expected"),
    [
        ([oneof(list("ab")), oneof(list("xyz"))], None, 6),
        (oneof([oneof([1, 2]), oneof([3, 4, 5]), 6]), None, 6),
        (manyof(2, list(range(4))), None, 12),
        (manyof(2, list(range(4)), sorted=True), None, 6),
        (intv(1, 9, step=4), None, 3),
        ([floatv(0.0, 1.0), oneof(list("ab"))], 5, 10),
        (oneof([floatv(1e-3, 1.0, scale="log"), "none"]), 4, 5),
    ],
)
def test_sweep_visits_every_point_once(program: object, grid: int | None, expected: int) -> None:
    space = SearchSpace(program)
    algorithm = Sweep(grid=grid)
    algorithm.setup(space)
    seen = [algorithm.propose() for _ in range(expected)]
    for dna in seen:
        space.validate(dna)
    with pytest.raises(StopSearch):
        algorithm.propose()
    assert len(set(seen)) == len(seen) == expected


@pytest.mark.parametrize(
    ("scale", "grid", "expected"),
    [
        ("linear", 3, [0.01, 0.505, 1.0]),
        ("log", 3, [0.01, 0.1, 1.0]),
        ("reverse_log", 3, [0.01, 0.91, 1.0]),
        ("log", 2, [0.01, 1.0]),
        ("log", 1, [0.1]),
    ],
)
def test_grid_lies_on_the_scale(scale: str, grid: int, expected: list[float]) -> None:
    algorithm = Sweep(grid=grid)
    algorithm.setup(SearchSpace(floatv(0.01, 1.0, scale=scale)))  # type: ignore[arg-type]
    values = [algorithm.propose()[0] for _ in expected]
    assert values == pytest.approx(expected)


def test_sweep_without_a_grid_refuses_floats() -> None:
    with pytest.raises(SpaceError, match="grid="):
        Sweep().setup(SearchSpace([oneof(list("ab")), floatv(0.0, 1.0, name="rate")]))


def test_sweep_leaves_out_what_is_known() -> None:
    algorithm = Sweep()
    algorithm.setup(SearchSpace([oneof(list("ab")), oneof(list("xy"))]))
    algorithm.observe(DNA([0, 1]), 1.0)
    algorithm.observe(DNA([1, 1]), 1.0)
    assert [algorithm.propose() for _ in range(2)] == [DNA([0, 0]), DNA([1, 0])]
    with pytest.raises(StopSearch):
        algorithm.propose()


# --- hill climbing ------------------------------------------------------------------


def test_climbs_to_the_top_then_starts_again() -> None:
    space = SearchSpace([intv(0, 4), intv(0, 4)])
    algorithm = HillClimb(patience=8, seed=0)
    rewards = run(algorithm, space, 200, lambda dna: float(dna[0] + dna[1]))
    assert rewards.count(8.0) > 1  # reached, left, and reached again.


def test_neighbours_are_tried_once_until_none_is_left() -> None:
    space = SearchSpace([oneof(list(range(3))), oneof(list(range(3)))])
    algorithm = HillClimb(patience=100, seed=1)
    algorithm.setup(space)
    start = algorithm.propose()
    algorithm.feedback(start, 1.0)
    neighbours = []
    for _ in range(4):
        neighbours.append(algorithm.propose())
        algorithm.feedback(neighbours[-1], 0.0)
    assert len(set(neighbours)) == 4
    assert all(sum(a != b for a, b in zip(start, dna, strict=True)) == 1 for dna in neighbours)
    algorithm.propose()
    assert algorithm.get_state()["state"]["current"] is None  # a new start.


def test_failures_count_as_misses() -> None:
    algorithm = HillClimb(patience=3, seed=0)
    algorithm.setup(LARGE)
    algorithm.feedback(algorithm.propose(), 1.0)
    for _ in range(3):
        algorithm.fail(algorithm.propose())
    assert algorithm.get_state()["state"]["current"] is None


# --- settings and order of use ------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Random(seed=-1), "seed"),
        (lambda: Random(seed=1.5), "seed"),
        (lambda: RegularizedEvolution(0), "population_size"),
        (lambda: RegularizedEvolution(10, 0), "tournament_size"),
        (lambda: RegularizedEvolution(mutator=Uniform), r"write Uniform\(\.\.\.\)"),
        (lambda: Evolution(Uniform(), Top(1), 0), "initial"),
        (lambda: Evolution(Uniform(), None), "survival"),
        (lambda: HillClimb(0), "patience"),
        (lambda: Sweep(grid=0), "grid"),
        (lambda: Random().setup({"a": 1}), "expected a SearchSpace"),
        (lambda: Random().get_state(), "setup"),
    ],
)
def test_bad_use(make: Callable[[], object], message: str) -> None:
    with pytest.raises(AlgorithmError, match=message):
        make()


class Broken(Algorithm):
    def _propose(self) -> DNA:
        return DNA([0])


def test_a_proposal_of_the_wrong_length_is_noticed() -> None:
    algorithm = Broken()
    algorithm.setup(LARGE)
    with pytest.raises(AlgorithmError, match="26 values"):
        algorithm.propose()


def test_unseeded_algorithms_differ() -> None:
    first, second = Random(), Random()
    first.setup(LARGE)
    second.setup(LARGE)
    assert first.propose() != second.propose()


def test_state_is_finite_json_after_a_long_run() -> None:
    algorithm = HillClimb(seed=0)
    run(algorithm, LARGE, 100, matches)
    assert math.isfinite(algorithm.get_state()["state"]["reward"])
