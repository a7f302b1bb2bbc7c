"""Local search over whole neighbourhoods."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

from keras_glove.algorithms import checks
from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.algorithms.drawing import draw_new, size_of
from keras_glove.algorithms.lineage import Lineage
from keras_glove.algorithms.neighbours import neighbours
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.hyper.origins import note_descent


class LocalSearch(Algorithm):
    """Moves from a point to the best of its neighbours until none is better, then restarts.

    Local search as in White et al. 2020 (arXiv:2005.02960, algorithm 1): `initial` random
    points, of which the best is where the climb begins; then every neighbour of it is
    evaluated, in random order, and the best of them is the next point. At a local optimum
    it begins anew. Nothing is evaluated twice, and once every point of the space has been
    proposed the search ends.

    Neighbours differ in one decision; see `keras_glove.algorithms.neighbours`. In a space
    of many decisions a neighbourhood is large: `full=False` moves as soon as a neighbour
    is better. `HillClimb` does that too, but draws its neighbours from any mutator and
    gives a point up after a number of misses.

    Args:
        initial: random points before each climb, at least 1 (10 in the authors' code).
        full: whether to evaluate the whole neighbourhood before moving (algorithm 1), or
            to move to the first better neighbour ("query until lower").
        seed: see `Algorithm`.

    Raises:
        AlgorithmError: for an `initial` below 1.

    While the last rewards of a neighbourhood are out, further proposals are random.

    >>> from keras_glove.algorithms import LocalSearch
    >>> from keras_glove.hyper import SearchSpace, intv
    >>> algorithm = LocalSearch(initial=1, seed=0)
    >>> algorithm.setup(SearchSpace([intv(0, 9), intv(0, 9)]))
    >>> best = 0
    >>> for _ in range(60):
    ...     dna = algorithm.propose()
    ...     algorithm.feedback(dna, float(dna[0] + dna[1]))
    ...     best = max(best, dna[0] + dna[1])
    >>> best
    18
    """

    how = "random"

    def __init__(self, initial: int = 10, full: bool = True, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        checks.integer("initial", initial, low=1)
        checks.instance("full", full, bool)
        self._initial = initial
        self._full = full

    @property
    def custom_decisions(self) -> bool:
        return False

    def _setup(self, space: SearchSpace) -> None:
        self._size = size_of(space)
        self._seen: set[DNA] = set()
        self._restart()

    def _restart(self) -> None:
        self._current: DNA | None = None
        self._reward = -math.inf
        self._queue: deque[DNA] = deque()  # neighbours to propose.
        self._awaited: set[DNA] = set()  # what has to be known before the next move.
        self._starts = self._initial  # random points still to propose.
        self._best: DNA | None = None  # since the last move.
        self._best_reward = -math.inf

    def _propose(self) -> DNA:
        dna = self._next()
        if dna is None:
            return self._random()
        self._awaited.add(dna)
        return dna

    def _next(self) -> DNA | None:
        """A start or a neighbour that is not known yet; None while there is nothing to do."""
        while True:
            if self._starts:
                self._starts -= 1
                return self._random()
            while self._queue:
                dna = self._queue.popleft()
                if dna not in self._seen:
                    self._seen.add(dna)
                    if self._current is not None:
                        around = self._current
                        self._lineage = Lineage("neighbour", (around,))
                        note_descent(dna, "mutate", [around], self._ready("propose"))
                    return dna
            if self._awaited:
                return None
            self._advance()

    def _advance(self) -> None:
        """All that was awaited is known: moves, or begins anew."""
        if self._best is not None and self._best_reward > self._reward:
            self._move(self._best, self._best_reward)
        else:
            self._restart()

    def _move(self, dna: DNA, reward: float) -> None:
        self._restart()
        self._starts = 0
        self._current, self._reward = dna, reward
        around = neighbours(self._ready("propose"), dna, self._rng)
        self._queue.extend(around[index] for index in self._rng.permutation(len(around)).tolist())

    def _random(self) -> DNA:
        return draw_new(self._ready("propose"), self._seen, self._size, self._rng)

    def _feedback(self, dna: DNA, reward: float) -> None:
        self._awaited.discard(dna)
        if reward > self._best_reward:
            self._best, self._best_reward = dna, reward
        if not self._full and self._current is not None and reward > self._reward:
            self._move(dna, reward)

    def _fail(self, dna: DNA) -> None:
        self._awaited.discard(dna)

    def _reject(self, dna: DNA) -> None:
        self._awaited.discard(dna)

    def _observe(self, dna: DNA, reward: float) -> None:
        self._seen.add(dna)
        self._feedback(dna, reward)

    def _get_state(self) -> dict[str, Any]:
        return {
            "current": None if self._current is None else str(self._current),
            "reward": None if self._current is None else self._reward,
            "best": None if self._best is None else str(self._best),
            "best_reward": None if self._best is None else self._best_reward,
            "queue": [str(dna) for dna in self._queue],
            "awaited": sorted(map(str, self._awaited)),
            "seen": sorted(map(str, self._seen)),
            "starts": self._starts,
        }

    def _set_state(self, state: Mapping[str, Any]) -> None:
        self._current, self._reward = self._pair(state["current"], state["reward"])
        self._best, self._best_reward = self._pair(state["best"], state["best_reward"])
        self._queue = deque(map(self._dna, state["queue"]))
        self._awaited = set(map(self._dna, state["awaited"]))
        self._seen = set(map(self._dna, state["seen"]))
        self._starts = checks.count("starts", state["starts"])

    def _pair(self, text: str | None, reward: float | None) -> tuple[DNA | None, float]:
        if text is None or reward is None:
            return None, -math.inf
        return self._dna(text), checks.reward(reward)
