"""What the replicas of a strategy have to agree on in each step.

Each replica has a part of the global batch. Keras averages over its examples, and over replicas;
where the parts are of different sizes that is no average over the global batch, unless each
gradient is weighted with the share of its replica.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from keras_glove.errors import StrategyError

__all__ = [
    "agree_on_states",
    "gradients_are_reduced",
    "holding_share",
    "moving_states",
    "replica_count",
    "share",
    "sum_over_replicas",
    "update_on_replicas",
    "weigh_gradients",
]


class _Share(threading.local):
    """Per thread, as replicas are."""

    value: Any = None


_SHARE = _Share()


def replica_count() -> int:
    """How many replicas the strategy in whose context this is has."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def share() -> Any:
    """The examples of this replica, over those of an average one; None where that is 1."""
    return _SHARE.value


@contextmanager
def holding_share(data: Any) -> Iterator[None]:
    """While it holds, `share` is that of a batch, in replica context."""
    _SHARE.value = _share_of(data)
    try:
        yield
    finally:
        _SHARE.value = None


def _share_of(data: Any) -> Any:
    leaf = next((leaf for leaf in keras.tree.flatten(data) if tf.is_tensor(leaf)), None)
    if (
        replica_count() == 1
        or leaf is None
        or not isinstance(leaf, tf.Tensor)
        or not leaf.shape.rank
    ):
        return None
    if not tf.executing_eagerly() and leaf.shape[0] is not None:
        return None  # every part has this shape
    size = tf.cast(tf.shape(leaf)[0], "float32")
    whole = sum_over_replicas([size])[0]
    return tf.math.divide_no_nan(size * replica_count(), whole)


def sum_over_replicas(values: Sequence[Any]) -> list[Any]:
    """The sum of each tensor over replicas, in replica context."""
    context = tf.distribute.get_replica_context()
    if not values or context is None or context.num_replicas_in_sync == 1:
        return list(values)
    summed: list[Any] = context.all_reduce(tf.distribute.ReduceOp.SUM, list(values))
    return summed


def weighted(value: Any, weight: Any) -> Any:
    """A tensor times a scalar, and zero where that is zero, whatever the tensor holds."""
    if weight is None:
        return value
    factor = tf.cast(weight, value.dtype)
    return tf.where(factor > 0, value * factor, tf.zeros_like(value))


def weigh_gradients(optimizer: Any) -> None:
    """Makes an optimizer weigh the gradients of each replica with its share.

    Raises:
      StrategyError: the optimizer has a setting with which Keras cannot update on replicas.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    for name in ("gradient_accumulation_steps", "ema_overwrite_frequency"):
        if getattr(inner, name, None):
            raise StrategyError(
                f"Expected an optimizer without {name} on {replica_count()} replicas, received "
                f"{name}={getattr(inner, name)}: Keras would have to synchronize replicas in a "
                "branch of the graph, which TensorFlow refuses. Leave it out; for larger batches "
                "make `batch_size` larger, which is that of all replicas together."
            )
    apply = optimizer.apply

    def weighing(grads: Sequence[Any], trainable_variables: Any = None) -> Any:
        if share() is not None:
            grads = [_of_share(gradient) for gradient in grads]
        return apply(grads, trainable_variables)

    object.__setattr__(optimizer, "apply", weighing)  # Keras would track what is set otherwise


def _of_share(gradient: Any) -> Any:
    return None if gradient is None else weighted(tf.convert_to_tensor(gradient), share())


def gradients_are_reduced(optimizer: Any) -> None:
    """Tells an optimizer that it is given the same gradients on every replica."""
    object.__setattr__(optimizer, "_all_reduce_sum_gradients", list)


def update_on_replicas(
    function: Callable[..., None], variables: Sequence[Any], *arguments: Sequence[Any]
) -> None:
    """Calls a function for the part of each variable on each device, from replica context.

    Args:
      function: takes a variable of TensorFlow, and of each of the arguments one.
      variables: of Keras.
      arguments: for each variable tensors, None, or numbers.
    """

    def merged(strategy: Any, *columns: Sequence[Any]) -> None:
        for variable, *row in zip(variables, *columns, strict=True):
            strategy.extended.update(variable.value, function, args=tuple(row), group=False)

    context = tf.distribute.get_replica_context()
    context.merge_call(merged, args=tuple(list(column) for column in arguments))


def agree_on_states(variables: Sequence[Any], used: Callable[[Any], Any] = lambda _: None) -> None:
    """Gives states that each replica has updated for itself the mean over those that did.

    Keras lets each replica keep moving statistics of its own, and saves those of the first.

    Args:
      variables: not trainable, of float type; in replica context.
      used: gives 1 where this replica has updated a variable, else 0: a tensor that broadcasts
        to it; None for everywhere.
    """
    if replica_count() == 1 or not variables:
        return
    weight = tf.convert_to_tensor(1.0) if share() is None else share()
    masks = [used(variable) for variable in variables]
    amounts = [weight if mask is None else weight * tf.cast(mask, "float32") for mask in masks]
    values = [tf.convert_to_tensor(variable.value) for variable in variables]
    parts = [
        tf.where(amount > 0, value * tf.cast(amount, value.dtype), tf.zeros_like(value))
        for value, amount in zip(values, amounts, strict=True)
    ]
    summed = sum_over_replicas([*parts, *amounts])
    sums, wholes = summed[: len(parts)], summed[len(parts) :]
    for variable, old, value, whole in zip(variables, values, sums, wholes, strict=True):
        mean = tf.math.divide_no_nan(value, tf.cast(whole, value.dtype))
        variable.value.assign(tf.where(whole > 0, mean, old))


def moving_states(model: Any) -> list[Any]:
    """The variables of a model that steps change without a gradient, random states excepted."""
    return [
        variable
        for variable in model.non_trainable_variables
        if keras.backend.is_float_dtype(variable.dtype)
        and not getattr(variable, "is_decision", False)
    ]
