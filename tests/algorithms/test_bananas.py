"""Evolution guided by predictions."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

from keras_glove.algorithms import Bananas, Random
from keras_glove.algorithms.encodings import OneHot
from keras_glove.algorithms.predictors import Ensemble
from keras_glove.errors import AlgorithmError, DependencyError, StopSearch
from keras_glove.hyper import DNA, SearchSpace, floatv, intv, manyof, oneof
from keras_glove.testing import SPACES

LARGE = SearchSpace(SPACES["large"]())


@pytest.mark.parametrize(
    ("program", "dna", "expected"),
    [
        ([oneof(list("ab")), oneof(list("xyz"))], [1, 2], [0, 1, 0, 0, 1]),
        ([floatv(1.0, 100.0, scale="log"), intv(0, 4)], [10.0, 2], [0.5, 0.5]),
        (oneof([floatv(0.0, 1.0), "none"]), [0, 0.0], [1, 0, 0, 1]),
        (oneof([floatv(0.0, 1.0), "none"]), [1, None], [0, 1, 0, 0]),
        (manyof(2, list("abc")), [2, 0], [0, 0, 1, 1, 0, 0]),
        (manyof(2, list("abc"), sorted=True), [0, 2], [1, 0, 1]),
        (manyof(3, list("ab"), distinct=False, sorted=True), [0, 0, 1], [2, 1]),
    ],
)
def test_one_hot(program: object, dna: Sequence[Any], expected: list[float]) -> None:
    encode = OneHot(SearchSpace(program))
    assert encode([DNA(dna)]).tolist() == [pytest.approx(expected)]
    assert encode.width == len(expected)


@pytest.mark.parametrize("name", SPACES)
def test_one_hot_tells_dna_apart(name: str) -> None:
    space = SearchSpace(SPACES[name]())
    drawn = list(set(space.sample(200, seed=0)))
    table = OneHot(space)(drawn)
    assert np.isfinite(table).all()
    assert len(np.unique(table, axis=0)) == len(drawn)


@pytest.mark.parametrize("kind", ["mlp", "trees", Ridge(), KNeighborsRegressor(2)], ids=repr)
def test_ensembles_predict(kind: Any) -> None:
    rng = np.random.default_rng(0)
    features = rng.random((60, 3))
    rewards = 100 + 10 * features.sum(axis=1)
    model = Ensemble(kind, 5, rng)
    model.fit(features[:50], rewards[:50])
    mean, deviation = model.predict(features[50:])
    assert np.corrcoef(mean, rewards[50:])[0, 1] > 0.8
    assert mean.shape == deviation.shape == (10,)
    assert (deviation >= 0).all()
    if kind in ("mlp", "trees"):
        assert deviation.min() > 0


def test_rewards_may_all_be_alike() -> None:
    algorithm = Bananas(4, 4, predictor="trees", ensemble=2, seed=0)
    algorithm.setup(LARGE)
    for _ in range(12):
        algorithm.feedback(algorithm.propose(), 1.0)


def test_proposes_in_rounds_around_the_best() -> None:
    algorithm = Bananas(6, 3, predictor=Ridge(), ensemble=2, parents=1, seed=0)
    algorithm.setup(LARGE)
    first = [algorithm.propose() for _ in range(6)]
    for reward, dna in enumerate(first):
        algorithm.feedback(dna, float(reward))
    following = [algorithm.propose() for _ in range(3)]
    for dna in following:
        assert sum(a != b for a, b in zip(dna, first[-1], strict=True)) == 1
        algorithm.feedback(dna, -1.0)


def test_takes_features_of_the_user() -> None:
    seen: list[int] = []

    def features(dnas: Sequence[DNA]) -> list[list[float]]:
        seen.append(len(dnas))
        return [[float(dna[0] or 0)] for dna in dnas]

    algorithm = Bananas(3, 2, "trees", ensemble=1, candidates=7, features=features, seed=0)
    algorithm.setup(LARGE)
    for _ in range(4):
        algorithm.feedback(algorithm.propose(), 1.0)
    assert seen == [3, 7]


def test_proposes_nothing_twice_and_ends() -> None:
    space = SearchSpace(SPACES["permutation"]())
    algorithm = Bananas(4, 4, "trees", ensemble=2, seed=0)
    algorithm.setup(space)
    seen = []
    for _ in range(int(space.size)):
        seen.append(algorithm.propose())
        algorithm.feedback(seen[-1], float(seen[-1][0] or 0))
    assert len(set(seen)) == space.size
    with pytest.raises(StopSearch):
        algorithm.propose()


@pytest.mark.slow
@pytest.mark.parametrize("predictor", ["mlp", "trees"])
def test_learns_faster_than_random(predictor: str) -> None:
    for seed in range(3):
        means = []
        for algorithm in (Bananas(predictor=predictor, seed=seed), Random(seed=seed)):
            algorithm.setup(LARGE)
            rewards = []
            for _ in range(80):
                dna = algorithm.propose()
                rewards.append(float(dna.values.count(2)))
                algorithm.feedback(dna, rewards[-1])
            means.append(sum(rewards[-30:]) / 30)
        assert means[0] >= means[1] + 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bananas(0), "initial"),
        (lambda: Bananas(batch=0), "batch"),
        (lambda: Bananas(ensemble=0), "ensemble"),
        (lambda: Bananas(candidates=0), "candidates"),
        (lambda: Bananas(predictor="gp"), "'mlp', 'trees'"),
        (lambda: Bananas(predictor=Ridge), "regressor"),
        (lambda: Bananas(features="one-hot"), "features"),
    ],
)
def test_bad_settings(make: Callable[[], object], message: str) -> None:
    with pytest.raises(AlgorithmError, match=message):
        make()


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError("No module named 'sklearn'")
        return imported(name, *rest, **more)

    for name in [name for name in sys.modules if name.startswith("sklearn")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DependencyError, match=r"pip install 'keras_glove\[predictors\]'"):
        Bananas().setup(LARGE)
