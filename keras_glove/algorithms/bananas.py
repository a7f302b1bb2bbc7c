"""Evolution guided by predictions of the reward."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_glove.algorithms import checks
from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.algorithms.drawing import draw_new, size_of
from keras_glove.algorithms.encodings import OneHot
from keras_glove.algorithms.lineage import Lineage, lineage_to_json, lineages_from_json
from keras_glove.algorithms.operators import Individual, Operator, Uniform
from keras_glove.algorithms.predictors import SIZES, Ensemble, check_kind
from keras_glove.errors import AlgorithmError
from keras_glove.hyper import DNA, SearchSpace


class Bananas(Algorithm):
    """Bayesian optimisation with an ensemble of predictors (White et al. 2021, BANANAS).

    After `initial` random points, in rounds (algorithm 1 of arXiv:1910.11858): an
    ensemble of regressors is trained on all rewards known; the best points are mutated
    into `candidates` that are new; for each a reward is drawn from a normal distribution
    with the ensemble's mean and standard deviation (independent Thompson sampling,
    equation 2 there), and the `batch` highest are proposed. Nothing is proposed twice,
    and once every point of the space has been, the search ends.

    For searches whose trials take minutes: a round costs about 0.1 seconds, and more with
    every trial known. Needs scikit-learn (`pip install 'keras_glove[predictors]'`).

    Args:
        initial: rewards of random points before the first round.
        batch: proposals in each round, k in the paper; smaller is better and slower.
        predictor: "mlp" (networks of 20 units a layer as in the paper, but of 3 layers
            where it has 10, which trains faster and predicts no worse), "trees"
            (extremely randomised trees, faster still), or any regressor of scikit-learn.
        ensemble: how many regressors; None is 5 for networks, as in the paper, and 50 for
            trees.
        candidates: how many mutants a round chooses from.
        parents: how many of the best points are mutated.
        mutator: one parent to one child; an operator or a pipeline of them.
        features: the features of some DNA, shape `(dnas, features)`; None is
            `OneHot(space)`, the path encoding of the tree of decisions.
        seed: see `Algorithm`.

    Raises:
        AlgorithmError: for settings out of range.
        DependencyError: from `setup`, without scikit-learn.

    >>> from keras_glove.algorithms import Bananas
    >>> from keras_glove.hyper import SearchSpace, oneof
    >>> algorithm = Bananas(initial=10, batch=5, predictor="trees", seed=0)
    >>> algorithm.setup(SearchSpace([oneof(list("abcd")) for _ in range(6)]))
    >>> best = 0
    >>> for _ in range(100):
    ...     dna = algorithm.propose()
    ...     algorithm.feedback(dna, float(dna.values.count(2)))
    ...     best = max(best, dna.values.count(2))
    >>> best
    6
    """

    how = "random"

    def __init__(
        self,
        initial: int = 10,
        batch: int = 10,
        predictor: Any = "mlp",
        ensemble: int | None = None,
        candidates: int = 100,
        parents: int = 2,
        mutator: Operator | None = None,
        features: Callable[[Sequence[DNA]], Any] | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self._ensemble = ensemble if ensemble is not None else SIZES.get(str(predictor), 5)
        self._mutator = mutator if mutator is not None else Uniform()
        sizes = {"initial": initial, "batch": batch, "candidates": candidates, "parents": parents}
        for name, value in {**sizes, "ensemble": self._ensemble}.items():
            checks.integer(name, value, low=1)
        checks.instance("mutator", self._mutator, Operator)
        check_kind(predictor)
        if features is not None and not callable(features):
            raise AlgorithmError(f"expected features to be a function of DNA, got {features!r}.")
        self._initial = initial
        self._batch = batch
        self._predictor = predictor
        self._candidates = candidates
        self._parents = parents
        self._features = features

    @property
    def custom_decisions(self) -> bool:
        return False

    def _setup(self, space: SearchSpace) -> None:
        Ensemble(self._predictor, 1, np.random.default_rng(0))  # fails early, if it has to.
        self._featurize = self._features or OneHot(space)
        self._size = size_of(space)
        self._rewards: dict[DNA, float] = {}
        self._seen: set[DNA] = set()
        self._queue: deque[tuple[DNA, Lineage | None]] = deque()

    def _propose(self) -> DNA:
        if len(self._rewards) >= self._initial:
            if not self._queue:
                self._queue.extend(self._round())
            if self._queue:
                dna, lineage = self._queue.popleft()
                if lineage is not None:
                    self._lineage = lineage
                return dna
        return draw_new(self._ready("propose"), self._seen, self._size, self._rng)

    def _round(self) -> list[tuple[DNA, Lineage]]:
        """The proposals of a round, the most promising first."""
        mutants = self._mutants()
        candidates = list(mutants)
        if not candidates:
            return []
        model = Ensemble(self._predictor, self._ensemble, self._rng)
        model.fit(self._featurize(list(self._rewards)), np.array(list(self._rewards.values())))
        mean, deviation = model.predict(self._featurize(candidates))
        drawn = mean + deviation * self._rng.standard_normal(len(candidates))
        chosen = [candidates[i] for i in np.argsort(-drawn, kind="stable")[: self._batch]]
        self._seen.update(chosen)
        return [(dna, mutants[dna]) for dna in chosen]

    def _mutants(self) -> dict[DNA, Lineage]:
        """New points around the best ones; fewer than asked for where there are no more."""
        space = self._ready("propose")
        best = sorted(self._rewards, key=self._rewards.__getitem__, reverse=True)[: self._parents]
        found: dict[DNA, Lineage] = {}
        for attempt in range(10 * self._candidates):
            parent = best[attempt % len(best)]
            individual = Individual(parent, self._rewards[parent], 0)
            child = self._mutator([individual], space, self._rng)[0].dna
            if child in self._seen or child in found:
                continue
            if not space.allows(child):
                self._num_rejected += 1
                continue
            found[child] = Lineage("mutation", (parent,))
            if len(found) == self._candidates:
                break
        return found

    def _feedback(self, dna: DNA, reward: float) -> None:
        self._seen.add(dna)
        self._rewards[dna] = reward

    def _get_state(self) -> dict[str, Any]:
        return {
            "rewards": [[str(dna), reward] for dna, reward in self._rewards.items()],
            "seen": sorted(str(dna) for dna in self._seen if dna not in self._rewards),
            "queue": [str(dna) for dna, _ in self._queue],
            "lineages": [lineage_to_json(lineage) for _, lineage in self._queue],
        }

    def _set_state(self, state: Mapping[str, Any]) -> None:
        self._rewards = {self._dna(dna): checks.reward(reward) for dna, reward in state["rewards"]}
        self._seen = {*self._rewards, *map(self._dna, state["seen"])}
        queue = list(map(self._dna, state["queue"]))
        lineages = lineages_from_json(state, len(queue), self._dna)
        self._queue = deque(zip(queue, lineages, strict=True))
