"""Algorithms made of algorithms."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any

from keras_glove.algorithms import checks
from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.algorithms.outcomes import Outcome
from keras_glove.errors import AlgorithmError, SerializationError
from keras_glove.hyper import DNA, SearchSpace


class Wrapper(Algorithm):
    """An algorithm whose proposals come from others, which it sets up and saves.

    Subclasses implement `_propose`, `_learn` and `_fail`, and what they keep of their own
    in `_get_own` and `_set_own`.

    Args:
        algorithms: the others; each is used by this one alone from now on.
        seed: of this algorithm, and of those of the others that have none.

    Raises:
        AlgorithmError: for what is no algorithm, or one that is there twice.
    """

    def __init__(self, algorithms: Sequence[Algorithm], *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        if not algorithms:
            raise AlgorithmError("expected at least one algorithm, received none.")
        for algorithm in algorithms:
            checks.instance("every algorithm", algorithm, Algorithm)
        if len(set(map(id, algorithms))) < len(algorithms):
            raise AlgorithmError(f"expected different algorithms, one is twice in {algorithms!r}.")
        self._inner = tuple(algorithms)

    @property
    def multi_objective(self) -> bool:
        """Whether all of its algorithms can search for several objectives."""
        return all(algorithm.multi_objective for algorithm in self._inner)

    @property
    def custom_decisions(self) -> bool:
        """Whether all of its algorithms take decision points of the user's own kind."""
        return all(algorithm.custom_decisions for algorithm in self._inner)

    @property
    def num_rejected(self) -> int:
        """How many drafts of its algorithms the constraints of the space refused."""
        return self._num_rejected + sum(algorithm.num_rejected for algorithm in self._inner)

    def _setup(self, space: SearchSpace) -> None:
        for algorithm, seed in zip(self._inner, self._seeds_of_inner(), strict=True):
            algorithm.setup(space, seed=seed, objectives=self.objectives, encode=self._encode)

    def _seeds_of_inner(self) -> list[int | None]:
        """One seed for each; a single algorithm proposes as it would by itself."""
        if len(self._inner) == 1:
            return [self._setup_seed]
        return [int(self._rng.integers(2**31)) for _ in self._inner]

    def _ask_inner(self, algorithm: Algorithm) -> DNA:
        """The next proposal of one of the others, whose lineage it keeps."""
        dna = algorithm.propose()
        self._lineage = algorithm.lineage
        return dna

    @abc.abstractmethod
    def _learn(self, dna: DNA, outcome: Outcome) -> None:
        """Hands on what was learnt."""

    def _get_state(self) -> dict[str, Any]:
        return {
            "inner": [algorithm.get_state() for algorithm in self._inner],
            "own": self._get_own(),
        }

    def _set_state(self, state: Mapping[str, Any]) -> None:
        if len(state["inner"]) != len(self._inner):
            raise SerializationError(f"expected the states of {len(self._inner)} algorithms")
        for algorithm, inner in zip(self._inner, state["inner"], strict=True):
            algorithm.set_state(inner)
        self._set_own(state["own"])

    def _get_own(self) -> dict[str, Any]:
        """The JSON-able state besides that of its algorithms."""
        return {}

    def _set_own(self, state: Mapping[str, Any]) -> None:
        """Takes what `_get_own` gave."""


def hand_on(algorithm: Algorithm, dna: DNA, outcome: Outcome, *, proposed: bool) -> None:
    """Tells an algorithm of an outcome, as one of its own proposals or as news."""
    tell = algorithm.feedback if proposed else algorithm.observe
    tell(dna, outcome.reward, violation=outcome.violation)
