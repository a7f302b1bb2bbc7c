"""Which graph things are made in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf

__all__ = [
    "graph_function",
    "graph_of",
    "is_replicated",
    "is_tracing",
    "outside_graphs",
    "pooling_again",
]


def outside_graphs() -> AbstractContextManager[Any]:
    """While it holds, what is made belongs to no graph, and can be used in all of them."""
    scope: AbstractContextManager[Any] = tf.init_scope()
    return scope


def graph_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, traced once for tensors of the same shapes and types, then called by name.

    It is not written out where it is called: TensorFlow then optimizes it once, and not once for
    each call, which took half of the first step of a supernet.
    """
    options = {"_noinline": True}
    made: Callable[..., Any] = tf.function(
        function, autograph=False, experimental_attributes=options
    )
    return made


def is_replicated() -> bool:
    """Whether a strategy is in force, under which a variable is several."""
    return bool(tf.distribute.has_strategy())


def graph_of(value: Any) -> Any:
    """The graph that a tensor is made in; None for what has values already, and for variables."""
    return value.graph if tf.is_symbolic_tensor(value) else None


def is_tracing() -> bool:
    """Whether a graph is being made, rather than tensors computed."""
    return not tf.executing_eagerly()


@tf.RegisterGradient("KerasGloveMaxPool")
def _gradient_of_max_pool(operation: Any, upstream: Any) -> Any:
    """The gradient of max-pooling by an output that is computed again beside it."""
    names = ("ksize", "strides", "padding", "data_format")
    options = {name: operation.get_attr(name) for name in names}
    options = {k: v.decode() if isinstance(v, bytes) else v for k, v in options.items()}
    x = operation.inputs[0]
    again = tf.raw_ops.MaxPool(input=x, **options)
    return tf.raw_ops.MaxPoolGrad(orig_input=x, orig_output=again, grad=upstream, **options)


def pooling_again(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose max-pooling is computed once more in its gradient, in graphs.

    On CPUs the quick kernel of the gradient needs the forward one in the same graph, and a branch
    of a graph has its gradient in another one, where the slow kernel takes 7 times as long.
    """

    @functools.wraps(function)
    def pooled(*args: Any, **kwargs: Any) -> Any:
        if tf.executing_eagerly():
            return function(*args, **kwargs)
        graph = tf.compat.v1.get_default_graph()
        with graph.gradient_override_map({"MaxPool": "KerasGloveMaxPool"}):
            return function(*args, **kwargs)

    return pooled
