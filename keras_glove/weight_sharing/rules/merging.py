"""Layers that put tensors together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_glove.weight_sharing.axes import Axes, Axis, full, mask_of
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.plans import Plan, Site, any_used, rule_for, where

__all__ = ["aligned", "concatenated", "contracted"]

layers = keras.layers


@rule_for(
    layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum
)
def elementwise(site: Site) -> Plan:
    """Tensors of one shape."""
    return Plan([aligned(site, site.tensors)])


@rule_for(layers.Concatenate)
def concatenate(site: Site) -> Plan:
    """Tensors side by side."""
    return Plan([concatenated(site, site.tensors, site.operation.axis)])


@rule_for(layers.Dot)
def dot(site: Site) -> Plan:
    """Sums over an axis of each of two tensors."""
    first, second = site.tensors
    axes = site.operation.axes
    left, right = (axes, axes) if isinstance(axes, int) else axes
    left, right = left % len(first.shape), right % len(second.shape)
    rest = [a for i, a in enumerate(site.axes_of(second)) if i not in (0, right)]
    kept = [a for i, a in enumerate(site.axes_of(first)) if i != left]
    used, run = contracted(site, first, second, left, right)
    del used
    outputs = (*kept, *rest)
    outputs += (None,) * (len(site.outputs[0].shape) - len(outputs))

    def listed(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        return call([run(decisions, args[0][0]), args[0][1]], **kwargs)

    return Plan([outputs], run=listed)


def aligned(site: Site, tensors: Sequence[Any]) -> Axes:
    """What is in use of the result of an elementwise operation, with NumPy's broadcasting.

    Raises `NotShareableError` where it differs: in some child the shapes would, too.
    """
    rank = len(site.outputs[0].shape)
    result: list[Axis | None] = [None] * rank
    for back in range(1, rank + 1):
        found: list[Axis | None] = []
        for tensor in tensors:
            axes, shape = site.axes_of(tensor), tuple(tensor.shape)
            if back <= len(shape) and shape[-back] != 1:
                found.append(axes[-back])
        if any(axis != found[0] for axis in found[1:]):
            raise site.refuse(
                "tensors that are equally wide in every child",
                f"different ones along axis {rank - back}",
                "Give both places one common hyper-value, or put a layer of fixed width before.",
            )
        result[-back] = found[0] if found else None
    return tuple(result)


def concatenated(site: Site, tensors: Sequence[Any], axis: int) -> Axes:
    """What is in use of tensors side by side along an axis."""
    axis %= len(tensors[0].shape)
    others = [where(site.axes_of(tensor), axis, None) for tensor in tensors]
    if any(other != others[0] for other in others[1:]):
        raise site.refuse(
            "tensors that are equally long in every child but along the axis of concatenation",
            "different ones",
            "Give both places one common hyper-value.",
        )
    parts = []
    for tensor in tensors:
        used = site.axes_of(tensor)[axis] or full(tensor.shape[axis])
        parts += list(used.parts) * used.tiles
    whole = all(site.axes_of(tensor)[axis] is None for tensor in tensors)
    return where(others[0], axis, None if whole else Axis(tuple(parts)))


def contracted(site: Site, first: Any, second: Any, left: int, right: int) -> tuple[Any, Any]:
    """Zeros in one of two tensors that are summed over an axis of each, as a function."""
    one, other = site.axes_of(first)[left], site.axes_of(second)[right]
    if one != other:
        raise site.refuse(
            "two tensors that are equally long in every child along the axes that are summed over",
            "different ones",
            "Give both places one common hyper-value.",
        )
    over = tuple(one if place == left else None for place in range(len(first.shape)))

    def masked(decisions: Decisions, tensor: Any) -> Any:
        if not any_used(over):
            return tensor
        return ops.where(mask_of(over, decisions, tensor.dtype) > 0, tensor, 0)

    return one, masked
