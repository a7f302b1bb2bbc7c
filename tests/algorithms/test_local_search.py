"""Neighbourhoods, and the search over them."""

from __future__ import annotations

import numpy as np
import pytest

from keras_glove.algorithms import Algorithm, LocalSearch, neighbours
from keras_glove.algorithms.positions import at_position, position, shares
from keras_glove.errors import AlgorithmError, StopSearch
from keras_glove.hyper import DNA, SearchSpace, floatv, intv, manyof, oneof, permutate
from keras_glove.testing import SPACES


def around(space: SearchSpace, dna: DNA) -> list[DNA]:
    return neighbours(space, dna, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("program", "dna", "expected"),
    [
        (oneof(list("abc")), [1], ["0", "2"]),
        (intv(1, 3), [1], ["2"]),
        (intv(0, 1000, step=100), [500], ["300", "400", "600", "700"]),
        (floatv(0.0, 1.0), [1.0], ["0.8", "0.95", "0.9875"]),
        (floatv(1.0, 16.0, scale="log"), [1.0], ["1.0352", "1.1486", "1.7411"]),
        (manyof(2, list("abc"), sorted=True), [0, 1], ["1,2", "0,2"]),
        (manyof(2, list("abc"), distinct=False, sorted=True), [1, 1], ["0,1", "1,2"]),
        (manyof(2, list("ab"), distinct=False), [0, 0], ["1,0", "0,1"]),
        (permutate(list("abc")), [0, 1, 2], ["1,0,2", "2,1,0", "0,2,1"]),
        ([oneof([1]), oneof([1, 2])], [0, 0], ["0,1"]),
        (oneof([oneof([1, 2]), 3]), [1, None], ["0,?"]),
    ],
)
def test_neighbours(program: object, dna: list[int | None], expected: list[str]) -> None:
    space = SearchSpace(program)
    found = around(space, DNA(dna))
    if expected == ["0,?"]:
        assert [one[0] for one in found] == [0]
        return
    wanted = [[float(number) for number in text.split(",")] for text in expected]
    assert [list(map(float, one)) for one in found] == [pytest.approx(w, abs=1e-4) for w in wanted]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SPACES)
def test_neighbours_are_valid_and_other(name: str) -> None:
    space = SearchSpace(SPACES[name]())
    for dna in space.sample(20, seed=1):
        found = around(space, dna)
        assert len(set(found)) == len(found)
        assert dna not in found
        for one in found:
            space.validate(one)
        assert found or space.size == 1


@pytest.mark.parametrize("name", ["flat", "distinct", "sorted", "multiset", "permutation"])
def test_neighbourhoods_connect_the_space(name: str) -> None:
    space = SearchSpace(SPACES[name]())
    reached, left = set(), [space.first()]
    while left:
        dna = left.pop()
        if dna not in reached:
            reached.add(dna)
            left += around(space, dna)
    assert len(reached) == space.size


NUMBERS = [
    floatv(0.5, 2.0),
    floatv(1e-4, 1.0, scale="log"),
    floatv(0.5, 0.999, scale="reverse_log"),
    intv(1, 9),
    intv(4, 512, scale="log"),
    intv(3, 99, step=4, scale="log"),
    intv(1, 64, scale="reverse_log"),
]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_positions_are_those_of_random_draws(value: object) -> None:
    space = SearchSpace(value)
    point = space.points[0]
    drawn = [float(dna[0]) for dna in space.sample(2000, seed=0)]  # type: ignore[arg-type]
    places = np.array([position(point, number) for number in drawn])
    assert 0 <= places.min() <= places.max() <= 1
    assert places.mean() == pytest.approx(0.5, abs=0.03)
    for number, place in zip(drawn[:200], places, strict=False):
        assert at_position(point, place) == pytest.approx(number)
    assert at_position(point, -1) == pytest.approx(point.low)
    assert at_position(point, 2) == pytest.approx(point.high)
    if point.kind == "int":
        assert sum(shares(point)) == pytest.approx(1)
        numbers, counts = np.unique(drawn, return_counts=True)
        most = int(counts.argmax())
        place = int(numbers[most] - point.low) // point.step  # type: ignore[operator]
        assert counts[most] / 2000 == pytest.approx(shares(point)[place], abs=0.04)


def exhaust(algorithm: Algorithm) -> list[DNA]:
    seen = []
    while True:
        try:
            seen.append(algorithm.propose())
        except StopSearch:
            return seen
        algorithm.feedback(seen[-1], float(hash(seen[-1]) % 7))


# --- the search ---------------------------------------------------------------------


def test_moves_to_the_best_neighbour() -> None:
    space = SearchSpace([intv(0, 4), intv(0, 4)])
    algorithm = LocalSearch(initial=1, seed=2)
    algorithm.setup(space)
    start = algorithm.propose()
    algorithm.feedback(start, 0.0)
    first = [algorithm.propose() for _ in around(space, start)]
    assert set(first) == set(around(space, start))
    for reward, dna in enumerate(first, start=1):
        algorithm.feedback(dna, float(reward))
    following = algorithm.propose()
    assert following in around(space, first[-1])
    assert following not in (start, *first)


def test_moves_at_once_if_not_full() -> None:
    space = SearchSpace([intv(0, 4), intv(0, 4)])
    algorithm = LocalSearch(initial=1, full=False, seed=2)
    algorithm.setup(space)
    algorithm.feedback(algorithm.propose(), 0.0)
    better = algorithm.propose()
    algorithm.feedback(better, 1.0)
    assert algorithm.propose() in around(space, better)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("name", ["flat", "distinct", "sorted", "multiset", "permutation"])
def test_sees_every_point_once_and_ends(name: str, full: bool) -> None:
    space = SearchSpace(SPACES[name]())
    algorithm = LocalSearch(initial=2, full=full, seed=0)
    algorithm.setup(space)
    seen = exhaust(algorithm)
    assert set(seen) == set(space)
    assert len(seen) == len(set(seen))


def test_proposes_while_rewards_are_out() -> None:
    algorithm = LocalSearch(initial=2, seed=0)
    algorithm.setup(SearchSpace([intv(0, 99), intv(0, 99)]))
    proposed = [algorithm.propose() for _ in range(30)]
    assert len(set(proposed)) == 30
    for dna in proposed:
        algorithm.fail(dna)
    algorithm.propose()


def test_bad_settings() -> None:
    with pytest.raises(AlgorithmError, match="initial"):
        LocalSearch(0)
    with pytest.raises(AlgorithmError, match="full"):
        LocalSearch(full="yes")  # type: ignore[arg-type]
