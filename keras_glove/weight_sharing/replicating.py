"""Optimizer updates where replicas have decisions of their own.

A weight moves where any replica had it in use, by the sum of all their gradients.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

from keras_glove.training.replicas import gathered, replica_count, update_everywhere
from keras_glove.weight_sharing.activity import Activity
from keras_glove.weight_sharing.decisions import Decisions, Together

__all__ = ["update"]


def update(
    optimizer: Any,
    activity: Activity,
    decisions: Decisions | Together,
    grads: Sequence[Any],
    variables: Sequence[Any],
    slots: Callable[[Any], Sequence[Any]],
) -> None:
    """One step of an optimizer, in replica context.

    Args:
      optimizer: of Keras, without loss scaling around it.
      activity: of the supernet.
      decisions: of this replica.
      grads, variables: of this replica.
      slots: gives those of a variable.
    """
    each = decisions.each if isinstance(decisions, Together) else (decisions,)
    every = [one for own in each for one in _of_all_replicas(own)]
    masks = [[_in_use(activity, variable, every)] for variable in variables]

    def step(place: int, own: Any, tensors: list[Any]) -> None:
        gradient, mask = tensors
        touched = [own, *slots(variables[place])]
        before = [ops.copy(ops.convert_to_tensor(one)) for one in touched]
        rate = ops.cast(optimizer.learning_rate, own.dtype)
        if optimizer.weight_decay is not None and optimizer._use_weight_decay(variables[place]):
            own.assign_sub(own * ops.cast(optimizer.weight_decay, own.dtype) * rate)
        optimizer.update_step(gradient, own, rate)
        for one, old in zip(touched, before, strict=True):
            if tuple(one.shape) == tuple(own.shape):
                one.assign(ops.where(mask, ops.convert_to_tensor(one), old))

    update_everywhere(step, variables, grads, masks)


def _of_all_replicas(decisions: Decisions) -> list[Decisions]:
    indices = gathered(ops.convert_to_tensor(decisions.indices))
    weights = {
        point: gathered(ops.convert_to_tensor(own)) for point, own in decisions.weights.items()
    }
    return [
        Decisions(indices[replica], weights={point: own[replica] for point, own in weights.items()})
        for replica in range(replica_count())
    ]


def _in_use(activity: Activity, variable: Any, every: Sequence[Decisions]) -> Any:
    """What of a variable any of the decisions use, a bool tensor that broadcasts to it."""
    parts = []
    for decisions in every:
        condition = activity.condition(variable)
        chosen = decisions.uses(condition.points, condition.values)
        mask = activity.mask(variable, decisions)
        parts.append(chosen if mask is None else ops.logical_and(chosen, mask))
    return functools.reduce(ops.logical_or, parts)
