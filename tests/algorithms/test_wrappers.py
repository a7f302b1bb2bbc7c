"""Algorithms made of algorithms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from keras_glove.algorithms import (
    NSGA2,
    Algorithm,
    Chain,
    Dedup,
    Evolution,
    HillClimb,
    Mix,
    Newest,
    Random,
    RegularizedEvolution,
    Sweep,
    Uniform,
    Until,
)
from keras_glove.errors import AlgorithmError, StopSearch
from keras_glove.hyper import DNA, SearchSpace, oneof
from keras_glove.testing import SPACES

NINE = SearchSpace([oneof(list("abc")), oneof(list("xyz"))])
LARGE = SearchSpace(SPACES["large"]())


def run(algorithm: Algorithm, rewards: list[float], space: SearchSpace = NINE) -> list[DNA]:
    """Proposals while there are rewards and the search has not ended."""
    algorithm.setup(space)
    proposed = []
    for reward in rewards:
        try:
            proposed.append(algorithm.propose())
        except StopSearch:
            break
        algorithm.feedback(proposed[-1], reward)
    return proposed


class Told(Random):
    """Notes what it is told."""

    def __init__(self, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.told: list[tuple[str, DNA, float | None]] = []

    def _feedback(self, dna: DNA, reward: float) -> None:
        self.told.append(("feedback", dna, reward))

    def _observe(self, dna: DNA, reward: float) -> None:
        self.told.append(("observe", dna, reward))

    def _fail(self, dna: DNA) -> None:
        self.told.append(("fail", dna, None))


# --- until --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "rewards", "expected"),
    [
        ({"trials": 4}, [0.0] * 9, 4),
        ({"reward": 2}, [0.0, 1.0, 1.9, 2.0, 0.0], 4),
        ({"patience": 3}, [1.0, 2.0, 2.0, 1.0, 0.0, 9.0], 5),
        ({"patience": 2, "trials": 9, "reward": 5.0}, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 5),
    ],
)
def test_ends_when_a_condition_holds(
    conditions: dict[str, float], rewards: list[float], expected: int
) -> None:
    algorithm = Until(Random(seed=0), **conditions)  # type: ignore[arg-type]
    assert len(run(algorithm, rewards)) == expected


def test_proposes_what_the_algorithm_would() -> None:
    for wrap in (lambda a: Until(a, trials=5), lambda a: Chain([a]), lambda a: Mix({a: 1})):
        wrapped, plain = wrap(RegularizedEvolution(3, 2)), RegularizedEvolution(3, 2)
        wrapped.setup(LARGE, seed=5)
        plain.setup(LARGE, seed=5)
        for reward in range(5):
            dna = wrapped.propose()
            assert dna == plain.propose()
            wrapped.feedback(dna, float(reward))
            plain.feedback(dna, float(reward))


def test_failures_and_violations_wear_patience_out() -> None:
    algorithm = Until(Random(seed=0), patience=2)
    algorithm.setup(NINE)
    algorithm.feedback(algorithm.propose(), 1.0)
    algorithm.fail(algorithm.propose())
    algorithm.feedback(algorithm.propose(), 9.0, violation=0.1)
    with pytest.raises(StopSearch, match="2 trials in a row"):
        algorithm.propose()


def test_several_objectives_are_better_where_nothing_dominates() -> None:
    algorithm = Until(NSGA2(3, seed=0), reward=(2, 2), patience=2)
    algorithm.setup(NINE, objectives=2)
    for rewards in [(1, 0), (0, 1), (0, 0), (2, 0), (3, 1), (2, 2)]:
        algorithm.feedback(algorithm.propose(), rewards)
    with pytest.raises(StopSearch, match="reached"):
        algorithm.propose()


# --- dedup --------------------------------------------------------------------------


def test_nothing_is_proposed_twice() -> None:
    algorithm = Dedup(Random(), seed=0)
    proposed = run(algorithm, [1.0] * 20)
    assert sorted(map(str, proposed)) == sorted(map(str, NINE))
    assert algorithm.num_repeats >= 1000
    with pytest.raises(StopSearch, match="1000 proposals"):
        algorithm.propose()


def test_repeats_get_the_known_reward() -> None:
    inner = Told(seed=0)
    algorithm = Dedup(inner, limit=50)
    rewards = [float(number) for number in range(9)]
    proposed = run(algorithm, rewards)
    known = dict(zip(proposed, rewards, strict=True))
    assert len(inner.told) == 9 + algorithm.num_repeats
    assert all(kind == "feedback" and reward == known[dna] for kind, dna, reward in inner.told)


def test_repeats_of_a_running_trial_wait_for_its_reward() -> None:
    inner = Told(seed=0)
    algorithm = Dedup(inner, limit=50)
    algorithm.setup(SearchSpace([oneof([1, 2])]))
    first, second = algorithm.propose(), algorithm.propose()
    with pytest.raises(StopSearch):
        algorithm.propose()
    assert inner.told == []
    algorithm.feedback(first, 1.0)
    algorithm.fail(second)
    told = Counter((kind, dna) for kind, dna, _ in inner.told)
    assert told.keys() == {("feedback", first), ("fail", second)}
    assert sum(told.values()) == 2 + 50 + (algorithm.num_repeats - 50)


def test_repeats_may_be_skipped() -> None:
    inner = Told(seed=0)
    run(Dedup(inner, reuse=False, limit=20), [1.0] * 20)
    assert Counter(kind for kind, _, _ in inner.told)["feedback"] == 9
    assert {kind for kind, _, _ in inner.told} == {"feedback", "fail"}


def test_a_key_says_what_is_the_same() -> None:
    def unordered(dna: DNA) -> tuple[object, ...]:
        return tuple(sorted(dna, key=str))

    proposed = run(Dedup(Random(), key=unordered, seed=0), [1.0] * 20)
    assert len(proposed) == 6
    assert len(set(map(unordered, proposed))) == 6


def test_a_known_point_that_runs_is_not_proposed_again() -> None:
    algorithm = Dedup(Sweep(), limit=100).seed([DNA([0, 0])])
    algorithm.setup(NINE)
    assert [str(algorithm.propose()) for _ in range(3)] == ["0,0", "0,1", "0,2"]


# --- mix and chain ------------------------------------------------------------------


def test_weights_say_how_often() -> None:
    often, rarely = Told(), Told()
    run(Mix({often: 3, rarely: 1}, share=False, seed=0), [1.0] * 400, LARGE)
    assert len(often.told) == pytest.approx(300, abs=30)
    assert len(often.told) + len(rarely.told) == 400


def test_the_others_are_told() -> None:
    first, second = Told(), Told()
    proposed = run(Mix({first: 1, second: 1}, seed=0), [1.0] * 40, LARGE)
    assert [dna for _, dna, _ in first.told] == [dna for _, dna, _ in second.told] == proposed
    for (kind, *_), (other, *_) in zip(first.told, second.told, strict=True):
        assert {kind, other} == {"feedback", "observe"}


def test_goes_on_with_those_that_have_not_ended() -> None:
    algorithm = Mix({Until(Random(), trials=3): 1, Until(Random(), trials=4): 1}, seed=0)
    assert len(run(algorithm, [1.0] * 20)) == 7
    with pytest.raises(StopSearch, match="all algorithms"):
        algorithm.propose()


def test_a_chain_hands_over_what_was_learnt() -> None:
    climb = HillClimb()
    algorithm = Chain([Until(Random(), trials=20), climb], seed=0)
    rewards = [float(number % 7) for number in range(20)]
    proposed = run(algorithm, rewards, LARGE)
    best = proposed[rewards.index(6.0)]
    neighbour = algorithm.propose()
    assert sum(a != b for a, b in zip(neighbour, best, strict=True)) == 1
    algorithm.fail(neighbour)


def test_algorithms_of_a_mix_draw_differently() -> None:
    first, second = Told(), Told()
    Mix({first: 1, second: 1}, seed=0).setup(LARGE)
    assert first.propose() != second.propose()


def test_rejections_inside_are_counted() -> None:
    class Half(SearchSpace):
        def allows(self, dna: DNA) -> bool:
            return dna[0] == 0

    for wrap in (lambda a: Until(a, trials=99), lambda a: Dedup(a), lambda a: Mix({a: 1})):
        inner = Random()
        algorithm = wrap(inner)
        algorithm.setup(Half.of_points(LARGE.points), seed=0)
        for _ in range(20):
            assert algorithm.propose()[0] == 0
        assert algorithm.num_proposed == 20
        assert algorithm.num_rejected == inner.num_rejected > 20


TWICE = Random()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Until(Random()), "to end at"),
        (lambda: Until(Random(), trials=0), "trials"),
        (lambda: Until(Random(), patience=1.5), "patience"),
        (lambda: Until(Random, trials=3), r"write Random\(\.\.\.\)"),
        (lambda: Dedup(Random(), limit=0), "limit"),
        (lambda: Dedup(Random(), key="hash"), "key"),
        (lambda: Dedup(Random(), reuse="skip"), "reuse"),
        (lambda: Mix({}), "at least one"),
        (lambda: Mix([Random()]), "mapping"),
        (lambda: Mix({Random(): 0}), "weight"),
        (lambda: Mix({"random": 1}), "Algorithm"),
        (lambda: Chain([]), "at least one"),
        (lambda: Chain(Random()), "list of algorithms"),
        (lambda: Chain([TWICE, TWICE]), "twice"),
        (lambda: Chain([Random(), Evolution(Uniform(), Newest(1)), None]), "Algorithm"),
    ],
)
def test_bad_use(make: Callable[[], object], message: str) -> None:
    with pytest.raises(AlgorithmError, match=message):
        make()


def test_a_target_has_a_number_for_each_objective() -> None:
    with pytest.raises(ValueError, match="sequence of 2"):
        Until(NSGA2(3), reward=1.0).setup(NINE, objectives=2)


def test_a_state_of_fewer_algorithms_is_refused() -> None:
    one, two = Chain([Random()]), Chain([Random(), Random()])
    one.setup(NINE)
    two.setup(NINE)
    with pytest.raises(ValueError, match="2 algorithms"):
        two.set_state(one.get_state())
