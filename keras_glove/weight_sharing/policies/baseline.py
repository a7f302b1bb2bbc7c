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
        self._mean = policy.add_weight("baseline", ())
        self._weight = policy.add_weight("baseline_weight", ())

    def update(self, reward: Any, learns: Any) -> Any:
        """The mean, this reward included; where `learns` is False it is not kept."""
        weight = self._decay * self._weight + (1 - self._decay)
        share = (1 - self._decay) / weight if self._debiased else 1 - self._decay
        # In this form the first mean is the first reward to the last bit. Were a rounding error
        # left, Adam would make a whole step of it.
        mean = self._mean + share * (reward - self._mean)
        self._mean.assign(ops.where(learns, mean, self._mean.value))
        self._weight.assign(ops.where(learns, weight, self._weight.value))
        return mean
