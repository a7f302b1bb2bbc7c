"""Convolutions of what is in use alone, so that narrow children cost less than wide ones.

Their kernels and input are cut to the size of the child, which is known when the step runs, and the
output is filled up with zeros. Nothing is traced for each size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from keras import ops

from keras_glove.training.slicing import padded_to, part_of, sizes_may_vary
from keras_glove.weight_sharing.axes import Axes, Axis
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.plans import Run

__all__ = ["sliced", "sliced_separable"]


def sliced(layer: Any, axes: Axes) -> Run | None:
    """How a convolution is called on what is in use; None where that is in several pieces.

    Args:
      layer: a plain convolution of Keras.
      axes: what is in use of the axes of its kernel, `(*kernel_size, in, filters)`.
    """
    compiled = layer.data_format == "channels_first" and layer.rank == 3  # by Keras, with XLA
    if layer.padding == "causal" or layer.groups > 1 or compiled or not _are_boxes(axes, 2):
        return None

    def convolve(inputs: Any, decisions: Decisions, options: dict[str, Any]) -> Any:
        starts, sizes = _box(axes, decisions)
        part = _channels(layer, inputs, sizes[-2])
        return ops.conv(part, part_of(layer.kernel, starts, sizes), **options)

    return _run(layer, axes, convolve)


def sliced_separable(layer: Any, axes: Axes, outer: Axis | None) -> Run | None:
    """The same for a separable convolution.

    Args:
      layer: of Keras.
      axes: what is in use of its depthwise kernel, `(*kernel_size, in, depth_multiplier)`.
      outer: what is in use of its filters.
    """
    dilated = any(rate > 1 for rate in layer.dilation_rate)
    if dilated or axes[-1] is not None or not _are_boxes((*axes, outer), 3):
        return None

    def convolve(inputs: Any, decisions: Decisions, options: dict[str, Any]) -> Any:
        starts, sizes = _box(axes, decisions)
        middle = None if sizes[-2] is None else sizes[-2] * layer.depth_multiplier
        width = _box((outer,), decisions)[1]
        pointwise = [*(None for _ in range(layer.rank)), middle, *width]
        return ops.separable_conv(
            _channels(layer, inputs, sizes[-2]),
            part_of(layer.depthwise_kernel, starts, sizes),
            part_of(layer.pointwise_kernel, [0] * len(pointwise), pointwise),
            **options,
        )

    return _run(layer, (*axes, outer), convolve)


def _run(layer: Any, axes: Axes, convolve: Callable[..., Any]) -> Run:
    """The call of a layer by a function of input, decisions and options of a convolution.

    Args:
      layer: of Keras.
      axes: what is in use; the last one is that of its filters.
      convolve: gives as many channels as are in use.
    """
    points = {point for axis in axes if axis is not None for point in axis.parts[0].points}
    place = _place(layer)

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        if decisions.relaxed(tuple(points)) or not sizes_may_vary():
            return call(*args, **kwargs)

        def called(inputs: Any) -> Any:
            names = ("strides", "padding", "data_format", "dilation_rate")
            outputs = convolve(inputs, decisions, {name: getattr(layer, name) for name in names})
            if axes[-1] is not None:
                outputs = padded_to(outputs, place, layer.filters)
            if layer.use_bias:
                shape = [1] * (layer.rank + 2)
                shape[place] = layer.filters
                outputs = ops.add(outputs, ops.reshape(layer.bias, shape))
            return outputs if layer.activation is None else layer.activation(outputs)

        with _replaced(layer, "call", called):
            return layer(*args, **kwargs)

    return run


def _box(axes: Axes, decisions: Decisions) -> tuple[list[Any], list[Any]]:
    """Where what is in use begins along each axis, and how long it is, None for all of it."""
    starts: list[Any] = []
    sizes: list[Any] = []
    for axis in axes:
        mask = None if axis is None else axis.parts[0]
        first = None if mask is None else mask.map(lambda row: row.argmax(-1))
        count = None if mask is None else mask.map(lambda row: row.sum(-1))
        starts.append(0 if first is None else first.tensor(decisions, "int32"))
        sizes.append(None if count is None else count.tensor(decisions, "int32"))
    return starts, sizes


def _place(layer: Any) -> int:
    return 1 if layer.data_format == "channels_first" else -1


def _channels(layer: Any, inputs: Any, count: Any) -> Any:
    sizes: list[Any] = [None] * len(inputs.shape)
    sizes[_place(layer)] = count
    return inputs if count is None else part_of(inputs, [0] * len(sizes), sizes)


def _are_boxes(axes: Sequence[Axis | None], channels: int) -> bool:
    """Whether anything is open, in one piece, and of the last axes, of channels, the first."""
    used = [axis for axis in axes if axis is not None]
    first = all(axis is None or axis.is_prefix for axis in axes[-channels:])
    return bool(used) and first and all(map(_is_one_piece, used))


def _is_one_piece(axis: Axis) -> bool:
    if len(axis.parts) > 1 or axis.tiles > 1:
        return False
    mask = axis.parts[0].values
    rises = (mask[..., 1:] & ~mask[..., :-1]).sum(-1) + mask[..., 0]
    return bool((rises == 1).all())


@contextmanager
def _replaced(layer: Any, name: str, function: Any) -> Iterator[None]:
    """While it holds, a layer has another method, and does all else as ever."""
    object.__setattr__(layer, name, function)
    try:
        yield
    finally:
        object.__delattr__(layer, name)
