"""Optimizer updates on several replicas, each of which may have run an architecture of its own.

Keras updates variables once for all replicas, from the sum of their gradients. Here the replicas
also tell each other what of each variable they used: what nobody used keeps its value, as do its
slots; of what some used the gradient is the mean over those.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

from keras_glove.training import replicas
from keras_glove.weight_sharing.activity import Activity
from keras_glove.weight_sharing.decisions import Decisions, Together

__all__ = ["update_used", "used"]

Step = Callable[[Any, Any], None]
"""Updates a variable of TensorFlow by a gradient."""


def used(variable: Any, activity: Activity, decisions: Decisions | Together) -> Any:
    """1 where a variable is in use, else 0; a tensor that broadcasts to it, None for everywhere."""
    each = decisions.each if isinstance(decisions, Together) else (decisions,)
    parts = [_used_by(variable, activity, one) for one in each]
    if any(part is None for part in parts):
        return None
    return ops.cast(functools.reduce(ops.logical_or, parts), "float32")


def _used_by(variable: Any, activity: Activity, decisions: Decisions) -> Any:
    condition, mask = activity.condition(variable), activity.mask(variable, decisions)
    if not condition.points or decisions.runs_all(condition.points):
        return mask
    chosen = decisions.uses(condition.points, condition.values)
    return chosen if mask is None else ops.logical_and(chosen, mask)


def update_used(
    variables: Sequence[Any],
    gradients: Sequence[Any],
    amounts: Sequence[Any],
    step: Step,
    slots: Callable[[Any], Sequence[Any]],
    *,
    over_all: bool = False,
) -> None:
    """Updates what any replica used, in replica context.

    Args:
      variables: of Keras.
      gradients: of this replica, scaled by the number of replicas as Keras's losses are.
      amounts: what `used` gives for this replica.
      step: the update.
      slots: those of a variable that the update changes beside it.
      over_all: average gradients over all replicas; those that did not use a weight count as
        zeros.
    """
    weight = 1.0 if replicas.share() is None else replicas.share()
    places = [place for place, amount in enumerate(amounts) if amount is not None]
    told = [ops.convert_to_tensor(amounts[place] * weight) for place in places]
    summed = replicas.sum_over_replicas([*gradients, *told])
    sums, wholes = summed[: len(gradients)], [None] * len(gradients)
    for place, whole in zip(places, summed[len(gradients) :], strict=True):
        wholes[place] = whole

    def update(native: Any, gradient: Any, whole: Any) -> None:
        if whole is None:
            step(native, gradient)
            return
        if not over_all:
            mean = gradient * (replicas.replica_count() / ops.maximum(whole, 1e-12))
            gradient = ops.where(whole > 0, mean, ops.zeros_like(gradient))
        touched = [native, *slots(native)]
        ops.cond(
            ops.any(whole > 0),
            lambda: _masked(whole > 0, native, gradient, step, touched),
            lambda: None,
        )

    replicas.update_on_replicas(update, variables, sums, wholes)


def _masked(mask: Any, native: Any, gradient: Any, step: Step, touched: Sequence[Any]) -> None:
    before = [ops.copy(one) for one in touched]
    step(native, gradient)
    if not mask.shape.rank:
        return
    for one, old in zip(touched, before, strict=True):
        if tuple(one.shape) == tuple(native.shape):
            one.assign(ops.where(mask, one, old))
