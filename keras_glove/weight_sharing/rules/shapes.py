"""Layers that change shapes: pooling, flattening, padding and the like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from keras_glove.weight_sharing.axes import Axes, Axis
from keras_glove.weight_sharing.plans import Plan, Site, rule_for

__all__ = ["only_channels", "reshaped"]

layers = keras.layers


def only_channels(site: Site, place: int) -> Axis | None:
    """What is in use of the channels; raises `NotShareableError` where another axis is open."""
    place %= len(site.axes)
    for other, axis in enumerate(site.axes):
        if axis is not None and other != place:
            raise site.refuse(
                f"an input that is open along axis {place} alone",
                f"one that is along axis {other}",
                "Transpose it, or keep that axis fixed.",
            )
    return site.axes[place]


def _place(layer: Any) -> int:
    return 1 if getattr(layer, "data_format", None) == "channels_first" else -1


@rule_for(
    layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D,
    layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D,
    layers.AdaptiveAveragePooling1D, layers.AdaptiveAveragePooling2D,
    layers.AdaptiveAveragePooling3D, layers.AdaptiveMaxPooling1D, layers.AdaptiveMaxPooling2D,
    layers.AdaptiveMaxPooling3D,
    layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D,
    layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D,
    layers.Cropping1D, layers.Cropping2D, layers.Cropping3D,
)  # fmt: skip
def spatial(site: Site) -> Plan:
    """Each channel by itself."""
    only_channels(site, _place(site.operation))
    return Plan([site.axes])


@rule_for(
    layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D,
    layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D,
)  # fmt: skip
def global_pooling(site: Site) -> Plan:
    """One number for each channel."""
    layer = site.operation
    channels = only_channels(site, _place(layer))
    if not layer.keepdims:
        return Plan([(site.axes[0], channels)])
    axes: list[Axis | None] = [None] * len(site.axes)
    axes[_place(layer)] = channels
    return Plan([tuple(axes)])


@rule_for(layers.Flatten)
def flatten(site: Site) -> Plan:
    """All axes but the batch in a row; channels run fastest, whatever the data format."""
    axes, lengths = site.axes[1:], list(site.shape[1:])
    if site.operation.data_format == "channels_first" and len(axes) > 1:
        axes, lengths = (*axes[1:], axes[0]), [*lengths[1:], lengths[0]]
    return Plan([(None, in_a_row(site, axes, lengths))])


@rule_for(layers.Reshape)
def reshape(site: Site) -> Plan:
    """Axes that are merged or stay."""
    return Plan([reshaped(site)])


@rule_for(layers.Permute)
def permute(site: Site) -> Plan:
    """Axes in another order."""
    return Plan([(site.axes[0], *(site.axes[place] for place in site.operation.dims))])


@rule_for(layers.RepeatVector)
def repeat_vector(site: Site) -> Plan:
    """A new axis of time."""
    return Plan([(site.axes[0], None, site.axes[1])])


def in_a_row(site: Site, axes: Sequence[Axis | None], lengths: Sequence[int | None]) -> Axis | None:
    """One axis that runs over several, the last one fastest."""
    if not any(axis is not None for axis in axes):
        return None
    if any(length is None for length in lengths):
        raise site.refuse("known lengths where axes are merged", f"{lengths}", "Fix them.")
    row: Axis | None = None
    times = 1  # of axes so far that are in use as a whole
    for axis, length in zip(axes, lengths, strict=True):
        if axis is None and row is None:
            times *= int(length or 1)
        elif axis is None and row is not None:
            row = row.repeated(int(length or 1))
        elif axis is not None:
            row = axis if row is None else row.outer(axis)
    return None if row is None else row.tiled(times)


def reshaped(site: Site) -> Axes:
    """What is in use after a reshape: axes may stay or be merged, and new ones of length 1 come.

    Raises `NotShareableError` where an open axis is split: children would split it elsewhere.
    """
    old, new = list(site.shape), list(site.outputs[0].shape)
    axes = list(site.axes)
    result: list[Axis | None] = [axes[0]]
    i, j = 1, 1
    while i < len(old) or j < len(new):
        a, b = i, j
        first, second = 1, 1
        while True:
            if a == i and a < len(old):
                first, a = first * (old[a] or -1), a + 1
            elif b == j and b < len(new):
                second, b = second * (new[b] or -1), b + 1
            elif first == second:
                break
            elif (first < second or b >= len(new)) and a < len(old):
                first, a = first * (old[a] or -1), a + 1
            elif b < len(new):
                second, b = second * (new[b] or -1), b + 1
            else:
                break
        result += _regrouped(site, axes[i:a], old[i:a], new[j:b])
        i, j = a, b
    return tuple(result)


def _regrouped(
    site: Site, axes: list[Axis | None], old: list[Any], new: list[Any]
) -> list[Axis | None]:
    if not any(axis is not None for axis in axes):
        return [None] * len(new)
    row = in_a_row(site, axes, old)
    long = [place for place, length in enumerate(new) if length != 1]
    if len(long) > 1:
        raise site.refuse(
            "a reshape that keeps open axes whole",
            f"one from {old} to {new}",
            "Let heads and widths be axes of their own from the start (EinsumDense).",
        )
    return [row if place in long else None for place in range(len(new))]
