"""Adam for the variables of policies, as the codes of the papers have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras import ops

if TYPE_CHECKING:
    from keras_glove.weight_sharing.policies.policy import Policy

__all__ = ["Adam"]


class Adam:
    """Adam (Kingma & Ba 2015, in the form before section 2.1), with what Keras's does not do.

    A step can be left out by a tensor, slots and all; squares can be means of squares over
    replicas in place of squares of means (TuNAS); weight decay is added to the gradient, as in
    PyTorch, in whose codes DARTS and GDAS were written.

    Args:
      policy: holds the slots, so that they are saved.
      variables: what it updates.
      beta_1, beta_2: decays of the means of gradients and of their squares.
      epsilon: is added to the root of the mean square.
      weight_decay: of the variables, in the gradient.
    """

    def __init__(
        self,
        policy: Policy,
        variables: Sequence[Any],
        *,
        beta_1: float,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self._variables = list(variables)
        self._betas, self._epsilon, self._weight_decay = (beta_1, beta_2), epsilon, weight_decay
        self._means, self._squares = (
            [policy.add_weight(f"{v.name}_{slot}", v.shape) for v in self._variables]
            for slot in ("mean", "square")
        )
        self._steps = policy.add_weight("adam_steps", ())

    def apply(
        self,
        gradients: Sequence[Any],
        rate: Any,
        learns: Any,
        squares: Sequence[Any] | None = None,
    ) -> None:
        """One step down.

        Args:
          gradients: means over replicas.
          rate: learning rate, a float or scalar tensor.
          learns: bool scalar; where False nothing changes.
          squares: of the gradients; by default of these.
        """
        first, second = self._betas
        steps = self._steps + 1.0
        scale = rate * ops.sqrt(1 - ops.power(second, steps)) / (1 - ops.power(first, steps))
        given = [ops.square(g) for g in gradients] if squares is None else squares
        slots = zip(self._variables, self._means, self._squares, gradients, given, strict=True)
        for variable, mean, square, gradient, squared in slots:
            if self._weight_decay:
                gradient = gradient + self._weight_decay * variable.value
                squared = ops.square(gradient)
            new_mean = first * mean + (1 - first) * gradient
            new_square = second * square + (1 - second) * squared
            moved = variable - scale * new_mean / (ops.sqrt(new_square) + self._epsilon)
            for one, new in ((mean, new_mean), (square, new_square), (variable, moved)):
                one.assign(ops.where(learns, new, one.value))
        self._steps.assign(ops.where(learns, steps, self._steps.value))
