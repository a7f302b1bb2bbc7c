"""Parts of tensors whose size is known when they are computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

__all__ = ["padded_to", "part_of", "sizes_may_vary"]


def sizes_may_vary() -> bool:
    """Whether shapes can depend on values here: not where XLA compiles, nor under a strategy."""
    if tf.distribute.has_strategy():
        return False
    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    while graph is not None:
        context = graph._get_control_flow_context()
        if context is not None and context.IsXLAContext():
            return False
        graph = getattr(graph, "outer_graph", None)
    return True


def part_of(tensor: Any, starts: Sequence[Any], sizes: Sequence[Any]) -> Any:
    """A box out of a tensor.

    Args:
        tensor: of any type.
        starts, sizes: for each axis an int or an int32 scalar; a size of None is all of the axis.
    """
    given = [-1 if size is None else size for size in sizes]
    part = tf.slice(tensor, tf.stack(list(starts)), tf.stack(given))
    part.set_shape(
        [
            length if size is None else size if isinstance(size, int) else None
            for size, length in zip(sizes, tensor.shape, strict=True)
        ]
    )
    return part


def padded_to(tensor: Any, axis: int, length: int) -> Any:
    """A tensor with zeros after its last entries along an axis, up to a length."""
    axis %= tensor.shape.rank
    missing = length - tf.shape(tensor)[axis]
    pads = [[0, missing if place == axis else 0] for place in range(tensor.shape.rank)]
    padded = tf.pad(tensor, pads)
    padded.set_shape([length if p == axis else n for p, n in enumerate(tensor.shape)])
    return padded
