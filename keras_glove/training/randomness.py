"""Random numbers in the graph that depend on nothing but a seed and the step."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

__all__ = ["key_of", "uniform"]


def key_of(seed: int) -> tuple[int, int]:
    """A seed as the two numbers that make a key."""
    return seed % 2**31, seed // 2**31 % 2**31


def uniform(shape: tuple[int, ...], key: Any, *numbers: Any, per_replica: bool = True) -> Any:
    """Numbers of [0, 1), the same for the same key and numbers in every process.

    Args:
      shape: of the result.
      key: two int32 numbers, a tensor too; see `key_of`.
      numbers: integers, tensors too, such as the number of the step.
      per_replica: whether each replica draws its own.
    """
    key = tf.cast(key, "int32")
    if per_replica:
        context = tf.distribute.get_replica_context()
        numbers = (*numbers, 0 if context is None else context.replica_id_in_sync_group)
    for number in numbers:
        key = tf.random.experimental.stateless_fold_in(key, tf.cast(number, "int32"))
    return tf.random.stateless_uniform(shape, key, dtype="float32")
