"""Rewards: how good predictions are, and what an architecture may cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from keras_glove.errors import PolicyError
from keras_glove.weight_sharing.decisions import Decisions

__all__ = ["SHAPES", "Cost", "Quality", "Reward"]

Quality = Callable[[Any, Any, Any], Any]
"""Gives a scalar of (targets, predictions, sample weights or None); more is better."""

Cost = Callable[[Decisions], Any]
"""Gives a positive scalar tensor of decisions."""


def absolute(quality: Any, ratio: Any, beta: float) -> Any:
    """Q + beta |T / T0 - 1| (Bender et al. 2020, TuNAS, section 3.1)."""
    return quality + beta * ops.abs(ratio - 1.0)


def mnas(quality: Any, ratio: Any, beta: float) -> Any:
    """Q (T / T0)^beta (Tan et al. 2019, MnasNet, equation 2)."""
    return quality * ratio**beta


def mnas_hard(quality: Any, ratio: Any, beta: float) -> Any:
    """Q min((T / T0)^beta, 1): nothing is won below the target (Tan et al. 2019)."""
    return quality * ops.minimum(ratio**beta, 1.0)


def hard(quality: Any, ratio: Any, beta: float) -> Any:
    """Q within the target; beyond it 1 - T / T0, which is below every quality from 0 up."""
    return ops.where(ratio <= 1.0, quality, 1.0 - ratio)


def _added(loss: Any, ratio: Any, beta: float) -> Any:
    return loss - beta * ops.abs(ratio - 1.0)


def _multiplied(loss: Any, ratio: Any, beta: float) -> Any:
    return loss * ratio**-beta


def _multiplied_above(loss: Any, ratio: Any, beta: float) -> Any:
    return loss * ops.maximum(ratio**-beta, 1.0)


def _added_above(loss: Any, ratio: Any, beta: float) -> Any:
    return loss + ops.maximum(ratio - 1.0, 0.0)


PENALTIES: Mapping[str, Callable[[Any, Any, float], Any]] = {
    "absolute": _added,
    "mnas": _multiplied,
    "mnas_hard": _multiplied_above,
    "hard": _added_above,
}
"""For each shape what it does to a loss, of which less is better."""


SHAPES: Mapping[str, tuple[Callable[[Any, Any, float], Any], float]] = {
    "absolute": (absolute, -0.10),
    "mnas": (mnas, -0.07),
    "mnas_hard": (mnas_hard, -0.07),
    "hard": (hard, 0.0),
}
"""For each shape its function and its usual beta."""


class Reward:
    """A quality and what it is worth at a cost.

    Args:
      quality: of predictions.
      cost: of decisions; None for none.
      target: what an architecture should cost.
      shape: one of `SHAPES`.
      beta: how much cost counts; by default what the paper of the shape takes.

    Raises:
      PolicyError: a setting is none of those, or cost and target do not come together.
    """

    def __init__(
        self,
        quality: Quality,
        cost: Cost | None = None,
        target: float | None = None,
        shape: str = "absolute",
        beta: float | None = None,
    ) -> None:
        if shape not in SHAPES:
            raise PolicyError(f"Expected one of {sorted(SHAPES)} as the shape, received {shape!r}.")
        if (cost is None) != (target is None):
            raise PolicyError(
                f"Expected a cost and its target, received cost={cost!r} and target={target!r}."
            )
        if target is not None and not target > 0:
            raise PolicyError(f"Expected a target above 0, received {target!r}.")
        self.quality, self._cost, self.target = quality, cost, target
        self._shape, usual = SHAPES[shape]
        self._penalty = PENALTIES[shape]
        self._beta = usual if beta is None else beta

    def cost(self, decisions: Decisions) -> Any:
        """What an architecture costs, a float scalar; None where cost does not matter."""
        return None if self._cost is None else self._cost(decisions)

    def shaped(self, quality: Any, cost: Any) -> Any:
        """The reward for a quality at a cost."""
        if cost is None:
            return quality
        return self._shape(quality, cost / float(self.target or 1.0), self._beta)

    def penalised(self, loss: Any, cost: Any) -> Any:
        """The loss at a cost, as policies that follow gradients by decisions count it."""
        if cost is None:
            return loss
        return self._penalty(loss, cost / float(self.target or 1.0), self._beta)


def quality_of(metric: Any) -> Quality:
    """A metric of Keras, or a function of (targets, predictions), as a quality.

    Metrics of which less is better have to be negated by a function of one's own.
    """
    if isinstance(metric, keras.metrics.Metric):

        def measured(y: Any, predicted: Any, weights: Any) -> Any:
            values = metric.stateless_reset_state()
            values = metric.stateless_update_state(values, y, predicted, weights)
            return metric.stateless_result(values)

        return measured
    if callable(metric):
        return lambda y, predicted, weights: ops.mean(ops.cast(metric(y, predicted), "float32"))
    raise PolicyError(f"Expected a metric of Keras or a function as reward, received {metric!r}.")
