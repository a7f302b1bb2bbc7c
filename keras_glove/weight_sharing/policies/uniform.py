"""Uniform sampling of single paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

from keras_glove.errors import PolicyError
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.policies.policy import Policy

if TYPE_CHECKING:
    from keras_glove.weight_sharing.search_step import SearchStep


class UniformSampling(Policy):
    """Trains a uniformly drawn architecture at each step (Guo et al. 2020, SPOS, section 3.2).

    It learns nothing of architectures: search on the trained supernet comes afterwards. With a
    range of costs, each step draws one of equal parts of the range, then architectures until one's
    cost lies in it, as the official code does (there from 290M to 360M in parts of 10M).

    Args:
        cost_range: least and most that an architecture may cost, in units of the search's cost.
        parts: how many parts the range has.
        attempts: after so many draws the architecture nearest to the part is taken.
        seed, per_replica: see `Policy`.

    Raises:
        PolicyError: a setting is impossible; or, when the search begins, it has no cost.

    >>> UniformSampling(cost_range=(290e6, 360e6))
    UniformSampling(cost_range=(290000000.0, 360000000.0))
    """

    trains_only = True

    def __init__(
        self,
        cost_range: tuple[float, float] | None = None,
        parts: int = 7,
        attempts: int = 100,
        *,
        seed: int | None = None,
        per_replica: bool = True,
    ) -> None:
        super().__init__(seed=seed, per_replica=per_replica)
        if cost_range is not None and not (len(cost_range) == 2 and cost_range[0] < cost_range[1]):
            raise PolicyError(f"Expected cost_range as (least, most), received {cost_range!r}.")
        if parts < 1 or attempts < 1:
            raise PolicyError(
                f"Expected parts and attempts of at least 1, received {parts} and {attempts}."
            )
        self._cost_range = None if cost_range is None else tuple(cost_range)
        self._parts, self._attempts = parts, attempts

    def step(self, step: SearchStep) -> dict[str, Any]:
        if self._cost_range is None:
            return step.train(self.choices.draw(self.logits(), step.noise()).decisions)
        decisions, cost = self._drawn_in(step, *self._cost_range)
        return {**step.train(decisions), "cost": cost}

    def _drawn_in(self, step: SearchStep, least: float, most: float) -> tuple[Decisions, Any]:
        """An architecture in a part of the range, and its cost."""
        width = (most - least) / self._parts
        low = least + width * ops.floor(self._parts * step.uniform((), stream=1))

        def drawn(number: Any) -> tuple[Any, ...]:
            points, columns = self.choices.shape
            noise = step.uniform((points, columns + 1), stream=2 + number)
            decisions = self.choices.draw(self.logits(), noise).decisions
            cost = step.cost(decisions)
            if cost is None:
                raise PolicyError(
                    "Expected a search with a cost, since UniformSampling has a cost_range; "
                    "received one without. Give `SearchCallback` cost and target."
                )
            missing = ops.maximum(low - cost, 0.0) + ops.maximum(cost - low - width, 0.0)
            return number + 1, missing, cost, decisions.indices, decisions.numbers

        def again(number: Any, *best: Any) -> tuple[Any, ...]:
            following, *new = drawn(number)
            nearer = new[0] < best[0]
            return (following, *(ops.where(nearer, n, b) for n, b in zip(new, best, strict=True)))

        _, _, cost, indices, numbers = ops.while_loop(
            lambda number, missing, *_: ops.logical_and(number < self._attempts, missing > 0),
            again,
            drawn(ops.convert_to_tensor(0, dtype="int32")),
        )
        return Decisions(indices, numbers), cost
