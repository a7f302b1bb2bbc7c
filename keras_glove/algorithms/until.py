"""Ends a search by what it has reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_glove.algorithms import checks
from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.algorithms.objectives import dominates
from keras_glove.algorithms.outcomes import Outcome
from keras_glove.algorithms.wrapper import Wrapper, hand_on
from keras_glove.errors import AlgorithmError, StopSearch
from keras_glove.hyper import DNA, SearchSpace


class Until(Wrapper):
    """Proposes what another algorithm does, until a condition holds; then the search ends.

    Args:
        algorithm: makes the proposals.
        reward: ends when a reward is at least this, in the terms of algorithms: more is
            better, so a search that minimises a loss down to 0.1 says -0.1. With several
            objectives a number for each, which one trial has to reach together.
        patience: ends when so many trials in a row, the failed ones included, brought
            nothing better. With several objectives better is what no earlier one
            dominates.
        trials: ends after so many proposals.
        seed: see `Algorithm`.

    Raises:
        AlgorithmError: without any condition, or for one out of range.

    Trials that run when a condition comes true still count, and still teach.

    >>> from keras_glove.algorithms import Random, Until
    >>> from keras_glove.hyper import SearchSpace, oneof
    >>> algorithm = Until(Random(), reward=3.0, trials=100, seed=0)
    >>> algorithm.setup(SearchSpace(oneof([1, 2, 3])))
    >>> try:
    ...     while True:
    ...         dna = algorithm.propose()
    ...         algorithm.feedback(dna, float(dna[0] + 1))
    ... except StopSearch as stop:
    ...     print(stop)
    a reward of 3.0 was reached.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        reward: float | Sequence[float] | None = None,
        patience: int | None = None,
        trials: int | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__([algorithm], seed=seed)
        for name, value in {"patience": patience, "trials": trials}.items():
            if value is not None:
                checks.integer(name, value, low=1)
        if reward is None and patience is None and trials is None:
            raise AlgorithmError("expected a reward, patience or trials to end at, received none.")
        self._algorithm = algorithm
        self._reward = reward
        self._patience = patience
        self._trials = trials
        self._best: list[tuple[float, ...]] = []  # the best reward, or the front.
        self._misses = 0
        self._reached = False

    def _setup(self, space: SearchSpace) -> None:
        if self._reward is not None:
            self._target = checks.rewards(self._reward, self.objectives)
        super()._setup(space)

    def _propose(self) -> DNA:
        if self._reached:
            raise StopSearch(f"a reward of {self._reward} was reached.")
        if self._trials is not None and self.num_proposed >= self._trials:
            raise StopSearch(f"{self._trials} trials were proposed.")
        if self._patience is not None and self._misses >= self._patience:
            raise StopSearch(f"{self._misses} trials in a row brought nothing better.")
        return self._ask_inner(self._algorithm)

    def _learn(self, dna: DNA, outcome: Outcome) -> None:
        hand_on(self._algorithm, dna, outcome, proposed=outcome.proposed)
        if not outcome.violation and self._improves(outcome.rewards):
            self._misses = 0
            if self._reward is not None:
                pairs = zip(outcome.rewards, self._target, strict=True)
                self._reached |= all(found >= wanted for found, wanted in pairs)
        elif outcome.proposed:
            self._misses += 1

    def _improves(self, rewards: tuple[float, ...]) -> bool:
        if any(best == rewards or dominates(best, rewards) for best in self._best):
            return False
        self._best = [best for best in self._best if not dominates(rewards, best)]
        self._best.append(rewards)
        return True

    def _fail(self, dna: DNA) -> None:
        self._algorithm.fail(dna)
        self._misses += 1

    def _get_own(self) -> dict[str, Any]:
        return {"best": list(self._best), "misses": self._misses, "reached": self._reached}

    def _set_own(self, state: Mapping[str, Any]) -> None:
        self._best = [tuple(map(checks.reward, rewards)) for rewards in state["best"]]
        if any(len(rewards) != self.objectives for rewards in self._best):
            raise ValueError(f"expected {self.objectives} numbers in each reward of 'best'")
        self._misses = checks.count("misses", state["misses"])
        self._reached = bool(state["reached"])
