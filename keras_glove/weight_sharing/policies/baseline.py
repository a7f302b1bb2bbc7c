"""Moving means of rewards, which policy gradients take off them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

if TYPE_CHECKING:
    from keras_glove.weight_sharing.policies.policy import Policy

__all__ = ["Baseline"]


class Baseline:
    """An exponential moving mean.

    Args:
      policy: holds it, so that it is saved.
      decay: of the weight of older rewards.
      debiased: whether its start at zero is divided out.
    """

    def __init__(self, policy: Policy, decay: float, *, debiased: bool) -> None:
        self._decay, self._debiased = decay, debiased
        self._sum = policy.add_weight("baseline", ())
        self._weight = policy.add_weight("baseline_weight", ())

    def update(self, reward: Any, learns: Any) -> Any:
        """The mean, this reward included; where `learns` is False it is not kept."""
        total = self._decay * self._sum + (1 - self._decay) * reward
        weight = self._decay * self._weight + (1 - self._decay)
        self._sum.assign(ops.where(learns, total, self._sum.value))
        self._weight.assign(ops.where(learns, weight, self._weight.value))
        return total / weight if self._debiased else total
