"""Gradients: their means over replicas, and sums over several calls of one train step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from keras_glove.errors import PolicyError
from keras_glove.training.replicas import replica_count

__all__ = [
    "as_written",
    "assign_all",
    "collecting",
    "mean_over_replicas",
    "repeated",
    "value_and_gradients",
]


as_written = tf.autograph.experimental.do_not_convert
"""Keeps AutoGraph from rewriting a function, as Keras does with train steps.

Rewriting takes long, and wraps errors of ours in one of its own.
"""


def value_and_gradients(function: Callable[[], Any], variables: Sequence[Any]) -> tuple[Any, Any]:
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
    if replica_count() == 1:
        return value
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, value)


def assign_all(variables: Sequence[Any], values: Sequence[Any]) -> None:
    """Gives variables of a model values that are equal on all replicas."""
    if replica_count() == 1:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return

    def everywhere(strategy: Any, own: Any, given: Any) -> None:
        for one, value in zip(own, given, strict=True):
            strategy.extended.update(one, lambda v, x: v.assign(x), args=(value,), group=False)

    own = [variable.value for variable in variables]
    tf.distribute.get_replica_context().merge_call(everywhere, args=(own, list(values)))


@contextmanager
def collecting(optimizer: Any) -> Iterator[list[tuple[Any, Any]]]:
    """While it holds, an optimizer updates nothing; gives the pairs it was to apply.

    Raises:
      PolicyError: afterwards, where it was not called once.
    """
    calls: list[list[tuple[Any, Any]]] = []
    taken: list[tuple[Any, Any]] = []

    def apply(grads: Sequence[Any], trainable_variables: Any = None) -> None:
        variables = optimizer._trainable_variables
        given = variables if trainable_variables is None else list(trainable_variables)
        calls.append(list(zip(grads, given, strict=True)))

    before = vars(optimizer).get("apply")
    object.__setattr__(optimizer, "apply", apply)  # on the instance, past Keras's tracker
    try:
        yield taken
    finally:
        object.__delattr__(optimizer, "apply")
        if before is not None:
            object.__setattr__(optimizer, "apply", before)
    if len(calls) != 1:
        raise PolicyError(
            "Expected a train_step that calls `self.optimizer.apply` or `apply_gradients` once, so "
            f"that gradients of several architectures can be summed up, received {len(calls)} "
            "calls. Write it so, or use a policy that trains one architecture at a step."
        )
    taken += [(_dense(gradient), variable) for gradient, variable in calls[0]]


def _dense(gradient: Any) -> Any:
    return None if gradient is None else tf.convert_to_tensor(gradient)


def repeated(count: int, function: Callable[[Any, Any], Any], state: Any) -> Any:
    """The state after `state = function(i, state)` for i from 0, traced once on one replica."""
    if replica_count() > 1:  # where variables are assigned across replicas, which no loop can do
        for i in range(count):
            state = function(i, state)
        return state
    flat = [tf.convert_to_tensor(leaf) for leaf in keras.tree.flatten(state)]

    def body(i: Any, *leaves: Any) -> Any:
        result = function(i, keras.tree.pack_sequence_as(state, leaves))
        return (i + 1, *keras.tree.flatten(result))

    done = tf.while_loop(
        lambda i, *_: i < count, body, (tf.constant(0), *flat), parallel_iterations=1
    )
    return keras.tree.pack_sequence_as(state, done[1:])
