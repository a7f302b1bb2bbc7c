"""Policy gradient: its distribution, its gradient and its steps."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from keras_glove.algorithms import PolicyGradient
from keras_glove.algorithms.heads import Heads
from keras_glove.errors import AlgorithmError
from keras_glove.hyper import DNA, SearchSpace, floatv, intv, oneof
from keras_glove.testing import SPACES

NAME = SearchSpace(oneof(["a", "b"])).points[0].name
SMALL = [name for name in SPACES if name not in ("large", "mixed")]


def heads(name: str, *, seed: int | None = None) -> tuple[SearchSpace, Heads]:
    space = SearchSpace(SPACES[name]())
    found = Heads(space, bins=4)
    if seed is not None:  # as if something had been learnt
        found.logits += np.random.default_rng(seed).standard_normal(found.logits.shape)
    return space, found


@pytest.mark.parametrize("name", SMALL)
def test_gradient_is_that_of_the_log_probability(name: str) -> None:
    space, found = heads(name, seed=1)
    for dna in space.sample(5, seed=2):
        exact, _ = found.gradient(dna)
        numeric = np.zeros_like(exact)
        for at in np.argwhere(np.isfinite(found.logits)):
            place = tuple(at)
            before = found.log_probability(dna)
            found.logits[place] += 1e-6
            numeric[place] = (found.log_probability(dna) - before) / 1e-6
            found.logits[place] -= 1e-6
        np.testing.assert_allclose(exact, numeric, atol=1e-5)


@pytest.mark.parametrize("name", ["flat", "conditional", "blocks"])
def test_gradient_of_the_entropy(name: str) -> None:
    space, found = heads(name, seed=1)
    dna = space.sample(1, seed=4)[0]
    active = [index for index, value in enumerate(dna) if value is not None]

    def entropy() -> float:
        rows = found.probabilities().values()
        return -sum(p * math.log(p) for i, row in enumerate(rows) if i in active for p in row if p)

    _, exact = found.gradient(dna)
    for at in np.argwhere(np.isfinite(found.logits)):
        place = tuple(at)
        before = entropy()
        found.logits[place] += 1e-6
        assert exact[place] == pytest.approx((entropy() - before) / 1e-6, abs=1e-5)
        found.logits[place] -= 1e-6


@pytest.mark.parametrize("name", ["distinct", "sorted", "multiset", "permutation", "single"])
def test_arrangements_begin_alike(name: str) -> None:
    space, found = heads(name)
    chances = [found.log_probability(dna) for dna in space]
    assert chances == pytest.approx([-math.log(space.size)] * int(space.size))


@pytest.mark.parametrize("name", ["distinct", "sorted", "multiset", "blocks"])
def test_draws_follow_the_probabilities(name: str) -> None:
    _, found = heads(name, seed=3)
    rng = np.random.default_rng(0)
    drawn = Counter(found.draw(rng) for _ in range(4000))
    dna, count = drawn.most_common(1)[0]
    expected = math.exp(found.log_probability(dna))
    assert count / 4000 == pytest.approx(expected, abs=4 * (expected / 4000) ** 0.5)


def test_begins_like_random_draws_on_their_scales() -> None:
    space = SearchSpace([intv(1, 4, scale="log"), intv(1, 1000, scale="log")])
    found = Heads(space, bins=8)
    drawn = np.array([found.draw(np.random.default_rng(seed)).values for seed in range(3000)])
    expected = space.sample_array(3000, seed=0)
    for column, other in zip(drawn.T, expected.T, strict=True):
        assert np.log(column).mean() == pytest.approx(np.log(other).mean(), rel=0.05)


def test_a_step_is_that_of_the_paper() -> None:
    """The baseline is an average without bias, and has the reward in it already."""
    algorithm = PolicyGradient(learning_rate=0.5, seed=0)
    algorithm.setup(SearchSpace(oneof(["a", "b"])))
    first = algorithm.propose()
    algorithm.feedback(first, 1.0)
    assert algorithm.probabilities()[NAME] == [0.5, 0.5]  # the baseline is the reward.
    second = algorithm.propose()
    algorithm.feedback(second, 3.0)
    baseline = (0.9 * 0.1 * 1.0 + 0.1 * 3.0) / (0.9 * 0.1 + 0.1)
    logit = 0.5 * (3.0 - baseline) * 0.5  # 1 - p = 0.5 for the one drawn, -0.5 for the other
    chances = algorithm.probabilities()[NAME]
    assert chances[int(second[0] or 0)] == pytest.approx(1 / (1 + math.exp(-2 * logit)))


def test_only_active_decisions_are_learnt() -> None:
    space = SearchSpace(oneof([{"x": oneof([1, 2])}, {"y": oneof([3, 4])}]))
    algorithm = PolicyGradient(seed=0)
    algorithm.setup(space)
    for reward in (0.0, 1.0, 1.0):
        algorithm.observe(DNA([0, 1, None]), reward)
    chances = list(algorithm.probabilities().values())
    assert chances[0][0] > 0.5 and chances[1][1] > 0.5 and chances[2] == [0.5, 0.5]


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_normalized_steps_know_no_scale(scale: float) -> None:
    algorithm = PolicyGradient(normalize=True, seed=0)
    algorithm.setup(SearchSpace(floatv(0.0, 1.0)))
    for _ in range(1500):
        dna = algorithm.propose()
        algorithm.feedback(dna, -scale * abs(dna[0] - 0.35))  # type: ignore[operator]
    chances = next(iter(algorithm.probabilities().values()))
    assert chances[3] > 0.8


def test_entropy_keeps_decisions_open() -> None:
    chances = []
    for entropy in (0.0, 1.0):
        algorithm = PolicyGradient(entropy=entropy, seed=0)
        algorithm.setup(SearchSpace(oneof(list("abc"))))
        for _ in range(500):
            dna = algorithm.propose()
            algorithm.feedback(dna, float(dna[0] == 0))
        chances.append(next(iter(algorithm.probabilities().values()))[0])
    assert chances[0] > 0.95 > chances[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": 0}, "learning_rate"),
        ({"baseline_decay": 1.0}, "baseline_decay"),
        ({"baseline_decay": -0.1}, "baseline_decay"),
        ({"entropy": -1}, "entropy"),
        ({"bins": 1}, "bins"),
    ],
)
def test_bad_settings(settings: dict[str, float], message: str) -> None:
    with pytest.raises(AlgorithmError, match=message):
        PolicyGradient(**settings)  # type: ignore[arg-type]


def test_a_state_of_other_bins_is_refused() -> None:
    space = SearchSpace(floatv(0.0, 1.0))
    first, second = PolicyGradient(bins=4), PolicyGradient(bins=5)
    first.setup(space)
    second.setup(space)
    with pytest.raises(ValueError, match="lengths"):
        second.set_state(first.get_state())
