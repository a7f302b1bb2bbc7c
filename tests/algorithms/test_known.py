"""Known points, constraints, and what is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from keras_glove.algorithms import (
    Evolution,
    HillClimb,
    Newest,
    Random,
    RegularizedEvolution,
    Sweep,
    Top,
    Uniform,
)
from keras_glove.errors import AlgorithmError, DNAError, SearchError, SpaceError
from keras_glove.hyper import (
    DNA,
    SearchSpace,
    Template,
    floatv,
    intv,
    manyof,
    oneof,
)

PROGRAM = {
    "width": intv(16, 64, step=16),
    "rate": floatv(0.0, 1.0),
    "op": oneof(["conv", {"pool": oneof([2, 3], name="size")}]),
    "flag": oneof([1, True, 1.0]),
    "order": manyof(2, list("abc")),
}
SPACE = SearchSpace(PROGRAM)


def ready(**known: Any) -> Random:
    algorithm = Random(seed=0).seed([known])
    algorithm.setup(SPACE)
    return algorithm


def test_decisions_are_read_by_name() -> None:
    for dna in SPACE.sample(50, seed=1):
        assert ready(**SPACE.decisions(dna)).propose() == dna


def test_missing_decisions_are_drawn() -> None:
    dna = ready(width=32, rate=1).propose()
    SPACE.validate(dna)
    assert dna.values[:2] == (32, 1.0)


def test_programs_are_read_where_a_search_can_encode_them() -> None:
    template = Template(PROGRAM)
    dna = SPACE.sample(1, seed=3)[0]
    algorithm = Random(seed=0).seed([template.materialize(dna)])
    algorithm.setup(SPACE, encode=template.encode)
    assert algorithm.propose() == dna
    algorithm.seed([template.materialize(dna)])
    assert algorithm.propose() == dna


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"width": 17}, "int from 16 to 64 in steps of 16"),
        ({"width": 128}, "int from 16 to 64"),
        ({"rate": 2.0}, "float from 0.0 to 1.0"),
        ({"rate": "fast"}, "float from 0.0 to 1.0"),
        ({"rate": True}, "float from 0.0 to 1.0"),
        ({"op": "convolution"}, "chooses from"),
        ({"op": "conv", "size": 2}, "inactive"),
        ({"order[0]": "a", "order[1]": "a"}, "does not fit"),
        ({"depth": 3}, "received 'depth'"),
        (DNA([0]), "values"),
    ],
)
def test_what_does_not_belong_is_refused(known: Any, message: str) -> None:
    algorithm = Random(seed=0).seed([known])
    with pytest.raises(DNAError, match=message):
        algorithm.setup(SPACE)


@pytest.mark.parametrize("known", ["abc", {"width": 16}, DNA([1]), [object()], [3]])
def test_only_lists_of_points_are_taken(known: Any) -> None:
    with pytest.raises(AlgorithmError):
        Random(seed=0).seed(known).setup(SPACE)


def test_what_was_observed_is_not_proposed() -> None:
    first, second = SPACE.sample(2, seed=0)
    algorithm = Random(seed=0).seed([first, second, first])
    algorithm.setup(SPACE)
    algorithm.observe(first, 1.0)
    assert algorithm.propose() == second


def test_known_points_teach() -> None:
    space = SearchSpace([oneof(list(range(9))) for _ in range(5)])
    known = DNA([1, 2, 3, 4, 5])
    algorithm = HillClimb(seed=0).seed([known])
    algorithm.setup(space)
    algorithm.feedback(algorithm.propose(), 1.0)
    neighbour = algorithm.propose()
    assert sum(a != b for a, b in zip(known, neighbour, strict=True)) == 1
    evolution = Evolution(Top(1) >> Uniform(), Newest(9), 1, seed=0).seed([known])
    evolution.setup(space)
    evolution.feedback(evolution.propose(), 1.0)
    assert sum(a != b for a, b in zip(known, evolution.propose(), strict=True)) == 1


# --- constraints --------------------------------------------------------------------


def constrained(allowed: Callable[[DNA], bool], size: int = 10, points: int = 4) -> SearchSpace:
    class Constrained(SearchSpace):
        def allows(self, dna: DNA) -> bool:
            return allowed(dna)

    plain = SearchSpace([oneof(list(range(size))) for _ in range(points)])
    return Constrained.of_points(plain.points)


def test_the_share_refused_is_that_of_the_space() -> None:
    algorithm = Random(seed=0)
    algorithm.setup(constrained(lambda dna: dna[0] == 3))
    for _ in range(200):
        assert algorithm.propose()[0] == 3
    share = algorithm.num_rejected / (algorithm.num_proposed + algorithm.num_rejected)
    assert algorithm.num_proposed == 200
    assert share == pytest.approx(0.9, abs=0.02)


def test_gives_up_after_so_many_refusals() -> None:
    algorithm = Random(seed=0)
    algorithm.setup(constrained(lambda dna: False))
    with pytest.raises(SearchError, match=r"10000 drafts of Random in a row"):
        algorithm.propose()
    assert algorithm.num_rejected == 10_000


def test_an_enumeration_never_gives_up() -> None:
    algorithm = Sweep()
    algorithm.setup(constrained(lambda dna: min(dna.values) == 19, size=20))  # type: ignore[type-var]
    assert algorithm.propose() == DNA([19] * 4)
    assert algorithm.num_rejected == 20**4 - 1


def test_evolution_crosses_what_is_refused() -> None:
    """No single mutation leads from one allowed point to another: both decisions are equal."""
    for seed in range(10):
        algorithm = Evolution(Top(1) >> Uniform(), Newest(5), 1, seed=seed).seed([DNA([0, 0])])
        algorithm.setup(constrained(lambda dna: dna[0] == dna[1], points=2))
        algorithm.feedback(algorithm.propose(), 1.0)
        assert algorithm.propose() != DNA([0, 0])


def test_evolution_repeats_what_it_knows_where_nothing_else_is_allowed() -> None:
    algorithm = RegularizedEvolution(4, 2, seed=0)
    algorithm.setup(constrained(lambda dna: dna == DNA([0, 0]), points=2))
    for _ in range(6):
        dna = algorithm.propose()
        assert dna == DNA([0, 0])
        algorithm.feedback(dna, 1.0)


def test_a_known_point_has_to_be_allowed() -> None:
    algorithm = Random(seed=0).seed([DNA([1, 0, 0, 0])])
    with pytest.raises(SpaceError, match="constraints"):
        algorithm.setup(constrained(lambda dna: dna[0] == 0))
