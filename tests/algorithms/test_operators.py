"""Selectors, mutators and recombinators by themselves."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from keras_glove.algorithms import (
    Individual,
    KPointCrossover,
    Mutator,
    Newest,
    Oldest,
    Operator,
    PerPoint,
    Pipeline,
    RandomSelect,
    Top,
    Tournament,
    Uniform,
    UniformCrossover,
    Weighted,
)
from keras_glove.errors import AlgorithmError
from keras_glove.hyper import DNA, SearchSpace, floatv, oneof, permutate
from keras_glove.testing import SPACES

FLAT = SearchSpace([oneof(list(range(10))) for _ in range(6)])
POPULATION = [
    Individual(dna, reward, number)
    for number, (dna, reward) in enumerate(
        zip(FLAT.sample(5, seed=0), [0.3, 0.9, 0.1, 0.9, 0.5], strict=True)
    )
]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def numbers(individuals: list[Individual]) -> list[int | None]:
    return [individual.number for individual in individuals]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (Top(), [1]),
        (Top(3), [1, 3, 4]),
        (Top(99), [1, 3, 4, 0, 2]),
        (Newest(2), [3, 4]),
        (Oldest(2), [0, 1]),
        (Newest(3) >> Top(1), [3]),
        (Oldest(1) >> Top(1), [0]),
    ],
    ids=repr,
)
def test_selected(selector: Operator, expected: list[int]) -> None:
    assert numbers(selector(POPULATION, FLAT, rng())) == expected


def test_random_select_takes_each_at_most_once() -> None:
    for seed in range(20):
        assert len(set(numbers(RandomSelect(4)(POPULATION, FLAT, rng(seed))))) == 4
    assert sorted(numbers(RandomSelect(9)(POPULATION, FLAT, rng()))) == [0, 1, 2, 3, 4]


def test_tournament_prefers_the_better_but_not_always() -> None:
    chance = rng()
    won = Counter(numbers(Tournament(2, count=3000)(POPULATION, FLAT, chance)))
    # Of 25 ordered pairs with replacement, the worst wins 1 and the two best 16.
    assert won[2] == pytest.approx(3000 / 25, rel=0.3)
    assert won[1] + won[3] == pytest.approx(3000 * 16 / 25, rel=0.1)


MUTATORS = [
    Uniform(),
    Uniform(times=3),
    PerPoint(),
    PerPoint(rate=1.0),
    PerPoint(rate=0.01),
    Weighted([(Uniform("no such hint"), 5.0), (Uniform(), 1.0)]),
]


@pytest.mark.parametrize("name", [name for name in SPACES if name not in ("single", "large")])
@pytest.mark.parametrize("mutator", MUTATORS, ids=repr)
def test_mutants_are_valid_and_other(mutator: Operator, name: str) -> None:
    space, chance = SearchSpace(SPACES[name]()), rng(1)
    for dna in space.sample(60, seed=2):
        (child,) = mutator([Individual(dna)], space, chance)
        space.validate(child.dna)
        assert child.dna != dna


@pytest.mark.parametrize("mutator", MUTATORS, ids=repr)
def test_a_space_of_one_point_stays(mutator: Operator) -> None:
    space = SearchSpace(SPACES["single"]())
    assert mutator([Individual(DNA([0]))], space, rng())[0].dna == DNA([0])


@pytest.mark.parametrize("times", [1, 3, 6, 9])
def test_uniform_changes_so_many(times: int) -> None:
    chance = rng()
    for dna in FLAT.sample(20, seed=1):
        child = Uniform(times=times)([Individual(dna)], FLAT, chance)[0].dna
        assert changed(dna, child) == min(times, 6)


def test_uniform_takes_every_point_alike() -> None:
    chance, dna = rng(), DNA([0] * 6)
    counts: Counter[int] = Counter()
    for _ in range(3000):
        child = Uniform()([Individual(dna)], FLAT, chance)[0].dna
        counts.update(i for i in range(6) if child[i] != 0)
    assert min(counts.values()) > 400
    assert max(counts.values()) < 600


@pytest.mark.parametrize("hints", ["op", ["op", "cell"], {"op": 1}], ids=repr)
def test_hints_say_which_points_change(hints: object) -> None:
    program = [oneof([1, 2, 3], hints=kind) for kind in (hints, "other", None)]
    space, chance = SearchSpace(program), rng()
    for dna in space.sample(20, seed=0):
        for mutator in (Uniform("op"), PerPoint(1.0, "op")):
            child = mutator([Individual(dna)], space, chance)[0].dna
            assert child[0] != dna[0]
            assert child.values[1:] == dna.values[1:]


def test_per_point_changes_by_its_rate() -> None:
    chance = rng()
    total = sum(
        changed(dna, PerPoint(0.5)([Individual(dna)], FLAT, chance)[0].dna)
        for dna in FLAT.sample(500, seed=1)
    )
    assert total / 500 == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize(("scale", "expected"), [("log", 1e-3), ("linear", 0.4)])
def test_numbers_move_on_their_scale(scale: str, expected: float) -> None:
    space, chance = SearchSpace(floatv(1e-6, 1.0, scale=scale)), rng()  # type: ignore[arg-type]
    moved = [
        float(Uniform()([Individual(DNA([expected]))], space, chance)[0].dna[0])  # type: ignore[arg-type]
        for _ in range(2000)
    ]
    assert np.median(moved) == pytest.approx(expected, rel=0.25)
    below = np.mean(np.array(moved) < expected / 10)
    assert below == pytest.approx(0.2 if scale == "log" else 0.04, abs=0.04)


def test_two_swaps_do_not_undo_each_other() -> None:
    space, chance = SearchSpace(permutate(list("ab"))), rng()
    for mutator in (Uniform(times=2), PerPoint(1.0)):
        assert mutator([Individual(DNA([0, 1]))], space, chance)[0].dna == DNA([1, 0])


def test_weights_say_how_often() -> None:
    program = [oneof(list(range(9)), hints="a"), oneof(list(range(9)), hints="b")]
    space, chance, dna = SearchSpace(program), rng(), DNA([0, 0])
    mutator = Weighted([(Uniform("a"), 1), (Uniform("b"), 3)])
    children = [mutator([Individual(dna)], space, chance)[0].dna for _ in range(800)]
    assert sum(child[1] != 0 for child in children) == pytest.approx(600, rel=0.1)


@pytest.mark.parametrize("operator", [UniformCrossover(), KPointCrossover(), KPointCrossover(99)])
def test_children_come_from_both_parents(operator: Operator) -> None:
    a, b = DNA([0] * 6), DNA([1] * 6)
    children = operator([Individual(a), Individual(b)] * 30, FLAT, rng())
    assert len(children) == 30
    assert {value for child in children for value in child.dna} == {0, 1}
    if isinstance(operator, KPointCrossover):
        for child in children:
            assert changes(child.dna) == min(operator.points, 5)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("operator", [UniformCrossover(), KPointCrossover(2)], ids=repr)
def test_children_are_valid(operator: Operator, name: str) -> None:
    space = SearchSpace(SPACES[name]())
    parents = [Individual(dna) for dna in space.sample(80, seed=4)]
    for child in operator(parents, space, rng()):
        space.validate(child.dna)


class Same(Mutator):
    def _mutate(self, dna: DNA, space: SearchSpace, rng: np.random.Generator) -> DNA:
        return dna


def test_pipelines_are_flat_and_readable() -> None:
    pipeline = Top(2) >> (Uniform() >> Uniform("op"))
    assert isinstance(pipeline, Pipeline)
    assert repr(pipeline) == (
        "Top(count=2) >> Uniform(hints=None, times=1) >> Uniform(hints='op', times=1)"
    )
    assert pipeline == Top(2) >> Uniform() >> Uniform("op")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Top(0), "count to be an integer of at least 1"),
        (lambda: Tournament(True), "size"),
        (lambda: Tournament(2.5), "size"),
        (lambda: Newest(-1), "count"),
        (lambda: KPointCrossover(0), "points"),
        (lambda: Uniform(times=0), "times"),
        (lambda: PerPoint(0.0), "rate"),
        (lambda: PerPoint(1.5), "rate"),
        (lambda: PerPoint(float("nan")), "rate"),
        (lambda: Weighted([]), "at least one"),
        (lambda: Weighted([(Uniform(), 0)]), "weight"),
        (lambda: Weighted([(Uniform, 1)]), r"write Uniform\(\.\.\.\)"),
        (lambda: Weighted([Uniform()]), "pairs"),
        (lambda: Pipeline(()), "at least one"),
        (lambda: Top(1)([], FLAT, rng()), "at least one individual"),
        (lambda: Top(1)([Individual(DNA([0] * 6))], FLAT, rng()), "selectors before mutators"),
        (lambda: UniformCrossover()(POPULATION, FLAT, rng()), "pairs of parents"),
    ],
)
def test_bad_use(make, message: str) -> None:
    with pytest.raises(AlgorithmError, match=message):
        make()


def test_only_operators_are_joined() -> None:
    with pytest.raises(TypeError):
        Top(1) >> 3  # type: ignore[operator]


def changed(a: DNA, b: DNA) -> int:
    return sum(x != y for x, y in zip(a, b, strict=True))


def changes(dna: DNA) -> int:
    return sum(x != y for x, y in zip(dna, dna.values[1:], strict=False))
