"""Random search: the baseline that every other algorithm has to beat."""

from __future__ import annotations

from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.hyper import DNA


class Random(Algorithm):
    """Independent draws from the space, each decision on its own scale.

    It never ends and may propose a DNA again; `Sweep` visits each point of a small space
    once.

    Args:
        seed: see `Algorithm`.

    >>> from keras_glove.algorithms import Random
    >>> Random(seed=1)
    Random(seed=1)
    """

    def __init__(self, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)

    how = "random"

    @property
    def multi_objective(self) -> bool:
        """True: it learns from none."""
        return True

    def _propose(self) -> DNA:
        return self._ready("propose").random(self._rng)
