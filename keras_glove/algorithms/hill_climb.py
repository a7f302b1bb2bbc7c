"""Hill climbing with restarts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_glove.algorithms import checks
from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.algorithms.lineage import Lineage
from keras_glove.algorithms.operators import Individual, Operator, Uniform
from keras_glove.hyper import DNA, SearchSpace


class HillClimb(Algorithm):
    """Climbs from a random start to ever better neighbours, then starts again.

    A neighbour is what `mutator` makes of the current point. Each neighbour is proposed
    at most once, in random order, and the first with a higher reward becomes the current
    point (first-improvement hill climbing). When `patience` neighbours of a point did not
    improve on it (failed ones count), or no new neighbour is found, the climb is over
    and the next proposal is a random start.

    Args:
        patience: how many neighbours are tried in vain before a restart. In a space of
            finite size it need not exceed the number of neighbours.
        mutator: one individual to one neighbour; an operator or a pipeline of them.
        seed: see `Algorithm`.

    Raises:
        AlgorithmError: for a patience below 1 or a mutator that is not an operator.

    >>> from keras_glove.algorithms import HillClimb
    >>> HillClimb(patience=20, seed=0)
    HillClimb(patience=20, mutator=Uniform(hints=None, times=1), seed=0)
    """

    how = "random"

    def __init__(
        self, patience: int = 50, mutator: Operator | None = None, *, seed: int | None = None
    ) -> None:
        super().__init__(seed=seed)
        self._mutator = mutator if mutator is not None else Uniform()
        self._patience = patience
        checks.integer("patience", patience, low=1)
        checks.instance("mutator", self._mutator, Operator)
        self._restart()

    def _restart(self) -> None:
        self._current: DNA | None = None
        self._reward = 0.0
        self._starts: set[DNA] = set()  # random points proposed, none known yet.
        self._tried: set[DNA] = set()  # neighbours of the current point proposed.
        self._misses = 0

    def _setup(self, space: SearchSpace) -> None:
        self._restart()

    def _propose(self) -> DNA:
        space = self._ready("propose")
        if self._current is not None:
            # Neighbours cannot be listed in general, so a new one is drawn for.
            for _ in range(4 * self._patience):
                current = Individual(self._current, self._reward, 0)
                dna = self._mutator([current], space, self._rng)[0].dna
                if dna != self._current and dna not in self._tried:
                    self._tried.add(dna)
                    self._lineage = Lineage("mutation", (self._current,))
                    return dna
            self._restart()
        start = space.random(self._rng)
        self._starts.add(start)
        return start

    def _feedback(self, dna: DNA, reward: float) -> None:
        if self._current is None:
            # A late neighbour of the last climb would only climb the same hill again.
            if dna in self._starts:
                self._move(dna, reward)
        elif reward > self._reward:
            self._move(dna, reward)
        else:
            self._miss(dna)

    def _fail(self, dna: DNA) -> None:
        self._starts.discard(dna)
        self._miss(dna)

    def _reject(self, dna: DNA) -> None:
        self._starts.discard(dna)  # a neighbour stays among those tried.

    def _observe(self, dna: DNA, reward: float) -> None:
        if self._current is None or reward > self._reward:
            self._move(dna, reward)

    def _move(self, dna: DNA, reward: float) -> None:
        left = self._current
        self._restart()
        self._current, self._reward = dna, reward
        if left is not None:  # known to be worse, so not worth a proposal again.
            self._tried.add(left)

    def _miss(self, dna: DNA) -> None:
        if dna in self._tried:
            self._misses += 1
            if self._misses >= self._patience:
                self._restart()

    def _get_state(self) -> dict[str, Any]:
        return {
            "current": None if self._current is None else str(self._current),
            "reward": self._reward,
            "starts": sorted(map(str, self._starts)),
            "tried": sorted(map(str, self._tried)),
            "misses": self._misses,
        }

    def _set_state(self, state: Mapping[str, Any]) -> None:
        current = state["current"]
        self._current = None if current is None else self._dna(current)
        self._reward = checks.reward(state["reward"])
        self._starts = set(map(self._dna, state["starts"]))
        self._tried = set(map(self._dna, state["tried"]))
        self._misses = checks.count("misses", state["misses"])
