"""Gradients and their means over replicas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

__all__ = ["mean_over_replicas", "value_and_gradients"]


def value_and_gradients(
    function: Callable[[], Any], variables: Sequence[Any], weights: Sequence[Any] | None = None
) -> tuple[Any, list[Any]]:
    """A scalar and its gradients; None for a variable that it does not depend on.

    Args:
      function: gives the scalar, or a structure whose first leaf it is.
      variables: of Keras, or tensors.
    """
    sources = [getattr(variable, "value", variable) for variable in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(sources)
        value = function()
        scalar = keras.tree.flatten(value)[0]
    return value, tape.gradient(scalar, sources)


def mean_over_replicas(value: Any) -> Any:
    """The mean of a tensor, or of a structure of them, over the replicas of the strategy."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, value)
