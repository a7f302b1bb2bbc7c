"""What replicas of a strategy tell each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

__all__ = ["gathered", "replica_count", "update_everywhere"]

Update = Callable[[int, Any, list[Any]], None]


def replica_count() -> int:
    """How many replicas run the code that runs now; 1 outside of a strategy."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else int(context.num_replicas_in_sync)


def gathered(tensor: Any) -> Any:
    """The tensors of all replicas, along a new first axis."""
    return tf.distribute.get_replica_context().all_gather(tensor[None], axis=0)


def update_everywhere(
    update: Update, variables: Sequence[Any], grads: Sequence[Any], others: Sequence[Sequence[Any]]
) -> None:
    """Updates variables of a strategy by the sums of their gradients over replicas.

    Args:
      update: called with the place of a variable, its copy of one device, and its tensors there.
      variables: of Keras.
      grads: for each the gradient of this replica.
      others: for each further tensors, equal on all replicas.
    """
    context = tf.distribute.get_replica_context()
    summed = context.all_reduce(tf.distribute.ReduceOp.SUM, list(map(tf.convert_to_tensor, grads)))

    def merged(strategy: Any, sums: Any, rest: Any) -> None:
        for place, variable in enumerate(variables):

            def updated(own: Any, *tensors: Any, place: int = place) -> None:
                update(place, own, list(tensors))

            strategy.extended.update(
                variable.value, updated, args=(sums[place], *rest[place]), group=False
            )

    context.merge_call(merged, args=(summed, [list(own) for own in others]))
