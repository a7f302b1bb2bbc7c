"""The gradient by architecture through a step of training (DARTS, second order)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_glove.errors import PolicyError
from keras_glove.training.gradients import assign_all
from keras_glove.weight_sharing.decisions import Decisions

if TYPE_CHECKING:
    from keras_glove.weight_sharing.search_step import SearchStep

__all__ = ["has_own_train_step", "require_unrollable", "unrolled_gradients"]

STEP = 0.01
"""By how far finite differences move the weights, as a vector (Liu et al. 2019, section 2.3)."""


def has_own_train_step(model: Any) -> bool:
    """Whether a model is trained in a way that its `compute_loss` does not tell."""
    return not type(model).train_step.__module__.startswith(("keras.", "keras_glove."))


def require_unrollable(model: Any) -> None:
    """Refuses models whose training step is not known.

    Raises:
      PolicyError: the optimizer is not SGD, accumulates gradients, or `train_step` is the user's.
    """
    optimizer = _inner(model.optimizer)
    if type(optimizer) is not keras.optimizers.SGD or optimizer.gradient_accumulation_steps:
        raise PolicyError(
            "Expected keras.optimizers.SGD without gradient accumulation, whose step DARTS of "
            f"order 2 can take ahead, received {type(optimizer).__name__}. Compile the model with "
            "SGD, or use DARTS(order=1)."
        )
    if has_own_train_step(model):
        raise PolicyError(
            f"Expected a model that is trained by its compiled loss, received "
            f"{type(model).__name__} with a `train_step` of its own, which DARTS of order 2 cannot "
            "take ahead. Override `compute_loss` instead, or use DARTS(order=1)."
        )


def unrolled_gradients(
    step: SearchStep, mixture: Callable[[], Decisions], search_loss: Callable[[], Any], logits: Any
) -> tuple[Any, Any]:
    """The search loss after one step of training, and its gradient by logits (equation 7).

    The step is w' = w - rate * gradient + what momentum and weight decay do, which does not depend
    on the logits. So the gradient is that by logits at w', less the rate times the product of
    second derivatives with the gradient by w', of which finite differences are taken (equation 8).
    The weights are afterwards what they were.

    Args:
      step: gives the training loss.
      mixture: gives the architecture under which that is.
      search_loss: gives a structure whose first leaf is the loss on search data.
      logits: a variable.
    """
    weights = step.model.trainable_variables
    before = [ops.copy(weight.value) for weight in weights]

    def loss() -> Any:
        return step.loss(mixture(), step.data)

    ahead, rate = _stepped(step.model.optimizer, weights, step.gradients(loss, weights)[1])
    assign_all(weights, ahead)
    value, found = step.gradients(search_loss, [logits, *weights])
    by_logits, by_weights = found[0], found[1:]
    norm = ops.sqrt(sum(ops.sum(ops.square(g)) for g in by_weights))
    distance = STEP / ops.maximum(norm, 1e-12)
    sides = []
    for sign in (1.0, -1.0):
        moved = [w + sign * distance * g for w, g in zip(before, by_weights, strict=True)]
        assign_all(weights, moved)
        sides.append(step.gradients(loss, [logits])[1][0])
    assign_all(weights, before)
    return value, by_logits - rate * (sides[0] - sides[1]) / (2 * distance)


def _stepped(optimizer: Any, weights: list[Any], gradients: list[Any]) -> tuple[list[Any], Any]:
    """The weights after a step of SGD, and by how much a gradient of 1 moves them."""
    optimizer = _inner(optimizer)
    if not optimizer.built:
        optimizer.build(weights)
    rate, momentum = ops.cast(optimizer.learning_rate, "float32"), optimizer.momentum
    # With Nesterov's momentum a gradient counts at once for what it will do in the next step.
    reach = rate * (1 + momentum) if optimizer.nesterov else rate
    inertia = momentum**2 if optimizer.nesterov else momentum
    ahead = []
    for weight, gradient in zip(weights, gradients, strict=True):
        value = weight.value
        if optimizer.weight_decay and optimizer._use_weight_decay(weight):
            value = value - value * optimizer.weight_decay * rate
        if momentum:
            value = value + inertia * optimizer.momentums[optimizer._get_variable_index(weight)]
        ahead.append(value - reach * gradient)
    return ahead, reach


def _inner(optimizer: Any) -> Any:
    return getattr(optimizer, "inner_optimizer", optimizer)
