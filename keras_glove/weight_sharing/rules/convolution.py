"""Convolutions: plain, transposed, depthwise and separable, of one to three dimensions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_glove.weight_sharing.axes import Axes, Axis, centre, full, prefix
from keras_glove.weight_sharing.constructing import ELASTIC
from keras_glove.weight_sharing.kernels import SizedKernel
from keras_glove.weight_sharing.plans import Masked, Plan, Site, rule_for, where
from keras_glove.weight_sharing.rules.activations import require_elementwise
from keras_glove.weight_sharing.slicing import sliced, sliced_separable
from keras_glove.weight_sharing.tables import Table

layers = keras.layers

PLAIN = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)

for _cls in (*PLAIN, *TRANSPOSED):
    ELASTIC[_cls] = frozenset({"filters", "kernel_size"})
for _cls in DEPTHWISE:
    ELASTIC[_cls] = frozenset({"kernel_size", "depth_multiplier"})
for _cls in SEPARABLE:
    ELASTIC[_cls] = frozenset({"filters", "kernel_size", "depth_multiplier"})


@rule_for(*PLAIN)
def plain(site: Site) -> Plan:
    """Kernel of shape (*kernel_size, in / groups, filters)."""
    layer, inner = site.operation, _channels(site)
    outer = prefix(site.table("filters"))
    if layer.groups > 1 and (inner is not None or outer is not None):
        raise site.refuse(
            "a convolution without groups where its width is open",
            f"groups={layer.groups}",
            "Use `groups=1`, or a DepthwiseConv.",
        )
    spatial = _window(site, tuple(site.outputs[0].shape))
    weights = [(layer._kernel, (*spatial, inner, outer))]
    masked = [Masked(layer._kernel, (*spatial, inner, None))]
    plan = _plan(site, weights, masked, outer)
    if not hasattr(layer, "kernel_transform"):
        plan.run = sliced(layer, (*spatial, inner, outer))
    return plan


@rule_for(*TRANSPOSED)
def transposed(site: Site) -> Plan:
    """Kernel of shape (*kernel_size, filters, in)."""
    layer, inner = site.operation, _channels(site)
    outer = prefix(site.table("filters"))
    spatial = _window(site, tuple(site.shape), transposed=True)
    weights = [(layer.kernel, (*spatial, outer, inner))]
    masked = [Masked(layer.kernel, (*spatial, None, inner))]
    return _plan(site, weights, masked, outer)


@rule_for(*DEPTHWISE)
def depthwise(site: Site) -> Plan:
    """Kernel of shape (*kernel_size, in, depth_multiplier); channel c makes c * depth, ..."""
    layer, inner = site.operation, _channels(site)
    depth = prefix(site.table("depth_multiplier"))
    spatial = _window(site, tuple(site.outputs[0].shape))
    weights = [(layer.kernel, (*spatial, inner, depth))]
    masked = [Masked(layer.kernel, (*spatial, None, None))]
    return _plan(site, weights, masked, _pairs(site, inner, depth))


@rule_for(*SEPARABLE)
def separable(site: Site) -> Plan:
    """A depthwise kernel, and a pointwise one of shape (1, ..., in * depth_multiplier, filters)."""
    layer, inner = site.operation, _channels(site)
    depth, outer = prefix(site.table("depth_multiplier")), prefix(site.table("filters"))
    spatial = _window(site, tuple(site.outputs[0].shape))
    middle, ones = _pairs(site, inner, depth), (None,) * layer.rank
    weights = [
        (layer.depthwise_kernel, (*spatial, inner, depth)),
        (layer.pointwise_kernel, (*ones, middle, outer)),
    ]
    masked = [
        Masked(layer.depthwise_kernel, (*spatial, None, None)),
        Masked(layer.pointwise_kernel, (*ones, middle, None)),
    ]
    plan = _plan(site, weights, masked, outer)
    if not hasattr(layer, "kernel_transform"):
        plan.run = sliced_separable(layer, (*spatial, inner, depth), outer)
    return plan


def _plan(site: Site, weights: list[Any], masked: list[Masked], outer: Axis | None) -> Plan:
    layer = site.operation
    require_elementwise(site, layer.activation, outer)
    moved: list[Any] = []
    made: list[Any] = []
    if hasattr(layer, "kernel_transform"):
        masked[0], moved, made = _transformed(site, masked[0], *weights[0])
        weights += moved[1:]
    if layer.use_bias:
        weights.append((layer.bias, (outer,)))
    used = [one for one in masked if any(one.axes) or one.transform is not None]
    return Plan([where(site.axes, _place(layer), outer)], weights, used, moved, made)


def _transformed(
    site: Site, masked: Masked, kernel: Any, axes: Axes
) -> tuple[Masked, list[Any], list[Any]]:
    """The kernel that is made by learned matrices, what a step moves, and what makes it."""
    rank = site.operation.rank
    maker = SizedKernel(
        site.operation.kernel_transform, site.notes["kernel_size"], axes[:rank], kernel.shape[:rank]
    )
    moved = [(kernel, (*maker.spatial_moved(), *axes[rank:])), *maker.moved()]
    summed = (*(None,) * rank, *masked.axes[rank:])
    return Masked(kernel, summed, transform=maker), moved, [(kernel, maker)]


def _place(layer: Any) -> int:
    return 1 if layer.data_format == "channels_first" else -1


def _channels(site: Site) -> Axis | None:
    place = _place(site.operation) % len(site.shape)
    for other, axis in enumerate(site.axes):
        if axis is not None and other != place:
            raise site.refuse(
                "an input whose width alone is open",
                f"one of which axis {other} is",
                "Transpose it, or keep that axis fixed.",
            )
    return site.axes[place]


def _pairs(site: Site, inner: Axis | None, depth: Axis | None) -> Axis | None:
    if inner is None and depth is None:
        return None
    channels = site.shape[_place(site.operation)] or 1
    largest = int(site.table("depth_multiplier").max())
    return (inner or full(channels)).outer(depth or full(largest))


def _window(site: Site, windows: tuple[int | None, ...], transposed: bool = False) -> Axes:
    """What of the kernel's spatial axes is in use.

    A small kernel stands in the largest where the padding puts it.

    Args:
      site: the call.
      windows: the shape of the tensor that has an entry for each place of the window.
      transposed: whether that is the input.
    """
    layer = site.operation
    if "kernel_size" not in site.notes:
        return (None,) * layer.rank
    sizes = site.sides("kernel_size", layer.rank)
    first = 2 if layer.data_format == "channels_first" else 1
    long = tuple(site.outputs[0].shape) if transposed else site.shape
    return tuple(
        _side(site, axis, sizes[axis], long[first + axis], windows[first + axis])
        for axis in range(layer.rank)
    )


def _side(
    site: Site, axis: int, sizes: Table, length: int | None, places: int | None
) -> Axis | None:
    layer, largest = site.operation, int(sizes.max())
    if sizes.min() == largest:
        return None
    stride, dilation = _side_of(layer.strides, axis), _side_of(layer.dilation_rate, axis)

    def before(size: int) -> int:
        reach = (size - 1) * dilation
        if layer.padding == "causal":
            return reach
        if stride == 1:
            return reach // 2
        if length is None or places is None:
            raise site.refuse(
                "a known image size where the kernel size is open and strides are above 1",
                f"{site.shape}",
                "Give the model an input shape.",
            )
        return max((places - 1) * stride + reach + 1 - length, 0) // 2

    if layer.padding == "valid":
        raise site.refuse(
            "padding='same' (or 'causal') where the kernel size is open, so that the output shape "
            "stays",
            "padding='valid'",
            "Use padding='same'.",
        )
    gaps = {size: before(largest) - before(size) for size in map(int, sizes.options())}
    if any(gap % dilation or gap < 0 for gap in gaps.values()):
        raise site.refuse(
            "kernel sizes that lie on each other under the padding",
            f"{sorted(gaps)}",
            "Use odd sizes.",
        )
    starts = sizes.map(np.vectorize(lambda size: gaps[int(size)] // dilation, otypes=[int]))
    return centre(sizes, starts, largest)


def _side_of(value: Any, axis: int) -> int:
    return int(value[axis]) if isinstance(value, tuple | list) else int(value)
