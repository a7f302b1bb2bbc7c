"""Evaluates nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from keras_glove.algorithms import checks
from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.algorithms.outcomes import Outcome
from keras_glove.algorithms.wrapper import Wrapper, hand_on
from keras_glove.errors import AlgorithmError, StopSearch
from keras_glove.hyper import DNA


class Dedup(Wrapper):
    """Proposes only what has not been proposed before, and answers repeats itself.

    A repeat is told the reward that is known, at once or when it comes, so the wrapped
    algorithm goes on as if it had been evaluated again; or it is told that it failed. DNA
    that failed are not proposed again.

    Args:
        algorithm: makes the proposals.
        reuse: whether repeats get the known reward (else they count as failed).
        key: when two DNA are the same: their keys are equal. For spaces in which several
            DNA make one child, such as isomorphic cells. None compares the DNA.
        limit: how many repeats in a row mean that the algorithm has nothing new.
        seed: see `Algorithm`.

    Raises:
        AlgorithmError: for a key that cannot be called, or a limit below 1.
        StopSearch: from `propose`, after `limit` repeats in a row.

    Points given to its own `seed` are proposed as they are.

    >>> from keras_glove.algorithms import Dedup, Random
    >>> from keras_glove.hyper import SearchSpace, oneof
    >>> algorithm = Dedup(Random(), seed=0)
    >>> algorithm.setup(SearchSpace([oneof([1, 2]), oneof([1, 2])]))
    >>> sorted(str(algorithm.propose()) for _ in range(4))
    ['0,0', '0,1', '1,0', '1,1']
    """

    def __init__(
        self,
        algorithm: Algorithm,
        reuse: bool = True,
        key: Callable[[DNA], Hashable] | None = None,
        limit: int = 1000,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__([algorithm], seed=seed)
        checks.instance("reuse", reuse, bool)
        checks.integer("limit", limit, low=1)
        if key is not None and not callable(key):
            raise AlgorithmError(f"expected key to be a function of a DNA, got {key!r}.")
        self._algorithm = algorithm
        self._reuse = reuse
        self._key = key
        self._limit = limit
        # By key: the DNA and what became of it, None for a failure.
        self._ended: dict[Hashable, tuple[DNA, Outcome | None]] = {}
        # By key: the DNA that is out, and repeats of it that wait for its reward.
        self._running: dict[Hashable, list[DNA]] = {}
        self._num_repeats = 0
        self._exhausted = False

    @property
    def num_repeats(self) -> int:
        """How many proposals of the wrapped algorithm were repeats."""
        return self._num_repeats

    def _propose(self) -> DNA:
        for _ in range(0 if self._exhausted else self._limit):
            dna = self._ask_inner(self._algorithm)
            key = self._key_of(dna)
            if key in self._ended:
                self._answer(dna, self._ended[key][1])
            elif key in self._running:
                self._wait(dna, self._running[key])
            elif dna in self._proposals:  # given to `seed`, and out.
                self._wait(dna, self._running.setdefault(key, [dna]))
            else:
                self._running[key] = [dna]
                return dna
            self._num_repeats += 1
        self._exhausted = True
        raise StopSearch(f"the last {self._limit} proposals had all been made before.")

    def _wait(self, dna: DNA, running: list[DNA]) -> None:
        if self._reuse:
            running.append(dna)
        else:
            self._algorithm.fail(dna)

    def _answer(self, dna: DNA, outcome: Outcome | None) -> None:
        if outcome is None or not self._reuse:
            self._algorithm.fail(dna)
        else:
            hand_on(self._algorithm, dna, outcome, proposed=True)

    def _learn(self, dna: DNA, outcome: Outcome) -> None:
        hand_on(self._algorithm, dna, outcome, proposed=outcome.proposed)
        self._end(dna, outcome)

    def _fail(self, dna: DNA) -> None:
        self._algorithm.fail(dna)
        self._end(dna, None)

    def _end(self, dna: DNA, outcome: Outcome | None) -> None:
        key = self._key_of(dna)
        self._ended[key] = (dna, outcome)
        for repeat in self._running.pop(key, [dna])[1:]:
            self._answer(repeat, outcome)

    def _key_of(self, dna: DNA) -> Hashable:
        return dna if self._key is None else self._key(dna)

    def _get_own(self) -> dict[str, Any]:
        return {
            "ended": [
                [str(dna), None if outcome is None else [outcome.rewards, outcome.violation]]
                for dna, outcome in self._ended.values()
            ],
            "running": [list(map(str, running)) for running in self._running.values()],
            "num_repeats": self._num_repeats,
            "exhausted": self._exhausted,
        }

    def _set_own(self, state: Mapping[str, Any]) -> None:
        self._ended = {}
        for text, found in state["ended"]:
            dna = self._dna(text)
            outcome = None if found is None else _outcome(*found)
            self._ended[self._key_of(dna)] = (dna, outcome)
        running = [list(map(self._dna, texts)) for texts in state["running"]]
        self._running = {self._key_of(dnas[0]): dnas for dnas in running}
        self._num_repeats = checks.count("num_repeats", state["num_repeats"])
        self._exhausted = bool(state["exhausted"])


def _outcome(rewards: Sequence[float], violation: float) -> Outcome:
    return Outcome(tuple(map(checks.reward, rewards)), checks.violation(violation))
