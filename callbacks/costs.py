"""What architectures cost in a search: in the graph, for a DNA, and over the whole space."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_glove.errors import TrainingError
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.weight_sharing import cost as costs
from keras_glove.weight_sharing.decisions import Codec, Decisions

__all__ = ["Cost", "search_cost"]

FORMULAS: Mapping[str, Callable[[Any], costs.Formula]] = {
    "multiply_adds": costs.multiply_adds,
    "parameters": costs.parameters,
    "activations": costs.activations,
}


class Cost:
    """A cost of architectures.

    Args:
        name: for people.
        tensor: gives it of decisions, in the graph, as a float scalar.
        space: whose architectures these are.
        exact: gives it of a DNA; by default `tensor` does.
    """

    def __init__(
        self,
        name: str,
        tensor: Callable[[Decisions], Any],
        space: SearchSpace,
        exact: Callable[[DNA], float] | None = None,
    ) -> None:
        self.name, self.tensor, self._space = name, tensor, space
        self._exact = exact
        self._codec = Codec(space)

    def of(self, dna: DNA) -> float:
        """That of one architecture."""
        if self._exact is not None:
            return float(self._exact(dna))
        return float(self.tensor(self._codec.decisions(dna)))

    def range(self, tries: int = 200, seed: int = 0) -> tuple[float, float]:
        """The least and the greatest cost found, going downhill and uphill by one decision."""
        drawn = self._space.sample(tries, seed)
        found = sorted(drawn, key=self.of)
        low, high = (self._climbed(found[place], sign) for place, sign in ((0, -1), (-1, 1)))
        return low, high

    def _climbed(self, dna: DNA, sign: int) -> float:
        rng, best = np.random.default_rng(0), self.of(dna)
        for _ in range(4 * len(self._space)):
            place = int(rng.integers(len(self._space)))
            if dna.values[place] is None:
                continue
            other = self._space.mutate_point(dna, place, rng)
            cost = self.of(other)
            if sign * cost > sign * best:
                dna, best = other, cost
        return best


def search_cost(given: Any, model: Any, space: SearchSpace) -> Cost | None:
    """The cost that the user asks for.

    Args:
        given: a name of `FORMULAS`, a `Formula`, or a function of decisions; None for none.
        model: the supernet, built.
        space: its search space.

    Raises:
        TrainingError: it is none of these.
    """
    if given is None:
        return None
    if isinstance(given, str) and given in FORMULAS:
        formula = FORMULAS[given](model)
        return Cost(given, formula.tensor, space, functools.cache(formula))
    if isinstance(given, costs.Formula):
        return Cost("cost", given.tensor, space, functools.cache(given))
    if callable(given):
        return Cost(getattr(given, "__name__", "cost"), given, space)
    raise TrainingError(
        f"Expected cost to be one of {sorted(FORMULAS)}, a Formula, or a function of decisions, "
        f"received {given!r}."
    )
