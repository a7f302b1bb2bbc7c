"""What became of a proposal, and the proposals that nothing became of yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from keras_glove.algorithms import checks
from keras_glove.errors import FeedbackError
from keras_glove.hyper import DNA


class Outcome(NamedTuple):
    """What an evaluation gave.

    Attributes:
        rewards: one number for each objective, all to be maximised.
        violation: how far constraints on outcomes were broken; 0.0 if they were kept.
        proposed: whether the algorithm proposed the DNA itself; false for warm starts.
    """

    rewards: tuple[float, ...]
    violation: float = 0.0
    proposed: bool = True

    @property
    def reward(self) -> float | tuple[float, ...]:
        """The reward as `Algorithm.feedback` takes it."""
        return self.rewards[0] if len(self.rewards) == 1 else self.rewards


class Proposals:
    """The open proposals of an algorithm: a DNA may be open several times."""

    __slots__ = ("_known", "_open")

    def __init__(self) -> None:
        self._open: dict[DNA, int] = {}
        self._known: dict[DNA, int] = {}  # those of them that the algorithm did not make.

    def open(self, dna: DNA, *, known: bool = False) -> None:
        """Adds a proposal; `known` if it comes from a warm start."""
        self._open[dna] = self._open.get(dna, 0) + 1
        if known:
            self._known[dna] = self._known.get(dna, 0) + 1

    def settle(self, dna: DNA, method: str) -> bool:
        """Takes one proposal of `dna` off, and tells whether it came from a warm start.

        Raises:
            FeedbackError: if there is none.
        """
        if not self._open.get(dna):
            raise FeedbackError(
                f"{method}() was called for a DNA with no open proposal: {dna}; give feedback "
                "once for each proposal, and use observe() for evaluations made elsewhere."
            )
        _take(self._open, dna)
        if not self._known:
            return False
        return _take(self._known, dna)

    def __contains__(self, dna: object) -> bool:
        return dna in self._open

    def to_json(self) -> list[list[Any]]:
        """Rows of DNA, how often it is open, and how many of these are warm starts."""
        return [[str(dna), n, self._known.get(dna, 0)] for dna, n in self._open.items()]

    @classmethod
    def from_json(cls, rows: list[list[Any]], read: Callable[[str], DNA]) -> Proposals:
        """What `to_json` wrote, each DNA read by `read`; raises `ValueError` for other counts."""
        self = cls()
        for text, count, known in rows:
            dna = read(text)
            self._open[dna] = checks.count("an open proposal", count, low=1)
            if checks.count("warm starts", known):
                self._known[dna] = known
        return self


def _take(counts: dict[DNA, int], dna: DNA) -> bool:
    count = counts.get(dna, 0)
    if count > 1:
        counts[dna] = count - 1
    elif count:
        del counts[dna]
    return count > 0
