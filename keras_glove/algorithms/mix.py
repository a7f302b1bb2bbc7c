"""Several algorithms on one search: side by side, or one after the other."""

from __future__ import annotations

import abc
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from keras_glove.algorithms import checks
from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.algorithms.outcomes import Outcome
from keras_glove.algorithms.wrapper import Wrapper, hand_on
from keras_glove.errors import AlgorithmError, StopSearch
from keras_glove.hyper import DNA


class _Shared(Wrapper):
    """Each proposal belongs to one of the algorithms; the others are told what became of it."""

    def __init__(self, algorithms: Sequence[Algorithm], *, seed: int | None = None) -> None:
        super().__init__(algorithms, seed=seed)
        self._owners: dict[DNA, deque[int]] = {}  # of open proposals, the oldest first.
        self._live = list(range(len(algorithms)))  # those that have not ended, in order.

    @abc.abstractmethod
    def _choose(self) -> int:
        """Which of the live algorithms proposes next."""

    @abc.abstractmethod
    def _listeners(self) -> Sequence[int]:
        """Which are told of what others found."""

    def _propose(self) -> DNA:
        while self._live:
            owner = self._choose()
            try:
                dna = self._ask_inner(self._inner[owner])
            except StopSearch:
                self._live.remove(owner)
                continue
            self._owners.setdefault(dna, deque()).append(owner)
            return dna
        raise StopSearch("all algorithms have ended.")

    def _learn(self, dna: DNA, outcome: Outcome) -> None:
        owner = self._owner(dna) if outcome.proposed else None
        for index, algorithm in enumerate(self._inner):
            if index == owner:
                hand_on(algorithm, dna, outcome, proposed=True)
            elif index in self._listeners():
                hand_on(algorithm, dna, outcome, proposed=False)

    def _fail(self, dna: DNA) -> None:
        self._inner[self._owner(dna)].fail(dna)

    def _owner(self, dna: DNA) -> int:
        owners = self._owners[dna]
        owner = owners.popleft()
        if not owners:
            del self._owners[dna]
        return owner

    def _get_own(self) -> dict[str, Any]:
        owners = [[str(dna), list(indices)] for dna, indices in self._owners.items()]
        return {"owners": owners, "live": list(self._live)}

    def _set_own(self, state: Mapping[str, Any]) -> None:
        self._owners = {
            self._dna(dna): deque(map(self._index, indices)) for dna, indices in state["owners"]
        }
        self._live = list(map(self._index, state["live"]))

    def _index(self, value: Any) -> int:
        index = checks.count("an algorithm", value)
        if index >= len(self._inner):
            raise ValueError(f"expected indices of {len(self._inner)} algorithms, received {index}")
        return index


class Mix(_Shared):
    """Takes each proposal from one of several algorithms, drawn by weight.

    One that has nothing left is left out from then on; the search ends with the last.

    Args:
        algorithms: each with its weight, a number above 0.
        share: whether each also learns from the proposals of the others.
        seed: of the draws, and of the algorithms without one of their own.

    Raises:
        AlgorithmError: for what is no algorithm, or weights that are not above 0.

    >>> from keras_glove.algorithms import Mix, Random, RegularizedEvolution
    >>> Mix({RegularizedEvolution(20, 5): 3, Random(): 1}).space is None
    True
    """

    def __init__(
        self,
        algorithms: Mapping[Algorithm, float],
        share: bool = True,
        *,
        seed: int | None = None,
    ) -> None:
        if not isinstance(algorithms, Mapping):
            raise AlgorithmError(
                f"expected a mapping of algorithms to their weights, received {algorithms!r}."
            )
        super().__init__(list(algorithms), seed=seed)
        for weight in algorithms.values():
            checks.positive("every weight", weight)
        checks.instance("share", share, bool)
        self._algorithms = dict(algorithms)
        self._weights = list(algorithms.values())
        self._share = share

    def _choose(self) -> int:
        left = self._rng.random() * sum(self._weights[index] for index in self._live)
        for index in self._live:
            left -= self._weights[index]
            if left < 0:
                return index
        return self._live[-1]

    def _listeners(self) -> Sequence[int]:
        return self._live if self._share else ()


class Chain(_Shared):
    """Follows one algorithm to its end, then the next, which has learnt from all before.

    Stages end by themselves (`Sweep`, `Until`), the last one need not. Every stage is
    told at once of what those before it find.

    Args:
        algorithms: in their order.
        seed: of the algorithms without one of their own.

    Raises:
        AlgorithmError: for what is no algorithm, or no algorithm at all.

    Twenty random trials, of which a hill climb goes on from the best:

    >>> from keras_glove.algorithms import Chain, HillClimb, Random, Until
    >>> Chain([Until(Random(), trials=20), HillClimb()]).space is None
    True
    """

    def __init__(self, algorithms: Sequence[Algorithm], *, seed: int | None = None) -> None:
        if not isinstance(algorithms, list | tuple):
            raise AlgorithmError(f"expected a list of algorithms, received {algorithms!r}.")
        super().__init__(algorithms, seed=seed)
        self._algorithms = list(algorithms)

    def _choose(self) -> int:
        return self._live[0]

    def _listeners(self) -> Sequence[int]:
        return self._live
