"""Normalizations: statistics over what is in use alone."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_glove.weight_sharing.axes import Axis, mask_of
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.plans import Plan, Run, Site, rule_for

layers = keras.layers


@rule_for(layers.BatchNormalization)
def batch(site: Site) -> Plan:
    """Each channel by itself; only the statistics of those in use are updated."""
    layer = site.operation
    axis = _only(site, [layer.axis])
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    found = [getattr(layer, name, None) for name in names]
    return Plan([site.axes], [(v, (axis,)) for v in found if v is not None])


@rule_for(layers.LayerNormalization)
def layer_norm(site: Site) -> Plan:
    """Mean and variance over the axes of the layer."""
    layer = site.operation
    places = _places(layer.axis, len(site.shape))
    used = tuple(site.axes[place] for place in places)
    weights = [(v, used) for v in (layer.gamma, layer.beta) if v is not None]
    run = _moments_over(site, places, centred=not layer.rms_scaling) if any(used) else None
    if run is not None and layer.rms_scaling:
        raise site.refuse(
            "a LayerNormalization without rms_scaling where its axis is open",
            "rms_scaling=True",
            "Use RMSNormalization.",
        )
    return Plan([site.axes], weights, run=run)


@rule_for(layers.RMSNormalization)
def rms_norm(site: Site) -> Plan:
    """The root mean square over the axes of the layer."""
    layer = site.operation
    places = _places(layer.axis, len(site.shape))
    used = tuple(site.axes[place] for place in places)
    scale = getattr(layer, "scale", None)
    weights = [(scale, used)] if scale is not None else []
    run = _moments_over(site, places, centred=False) if any(used) else None
    return Plan([site.axes], weights, run=run)


@rule_for(layers.UnitNormalization)
def unit(site: Site) -> Plan:
    """Zeros add nothing to a length."""

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        (x,) = args
        mask = mask_of(site.axes, decisions, x.dtype)
        return call(ops.where(mask > 0, x, 0), **kwargs)

    return Plan([site.axes], run=run)


@rule_for(layers.GroupNormalization)
def group(site: Site) -> Plan:
    """Groups of the channels that are in use, in their order."""
    layer = site.operation
    axis = _only(site, [layer.axis])
    found = (layer.gamma, layer.beta)
    weights = [(v, (axis,)) for v in found if v is not None]
    return Plan([site.axes], weights, run=None if axis is None else _grouped(site, axis))


def _places(axis: Any, rank: int) -> list[int]:
    chosen = axis if isinstance(axis, list | tuple) else [axis]
    return [place % rank for place in chosen]


def _only(site: Site, places: list[int]) -> Axis | None:
    """What is in use of the one axis that a layer has weights along."""
    wanted = _places(places, len(site.shape))
    for place, axis in enumerate(site.axes):
        if axis is not None and place not in wanted:
            raise site.refuse(
                f"an input that is open along axis {wanted[0]} alone",
                f"one that is along axis {place}",
                "Transpose it, or keep that axis fixed.",
            )
    return site.axes[wanted[0]]


def _moments_over(site: Site, places: list[int], centred: bool) -> Run:
    """Layer or root mean square normalization with statistics over what is in use."""
    layer, axes, rank = site.operation, site.axes, len(site.shape)
    fixed = int(np.prod([site.shape[p] or 1 for p in places if axes[p] is None]))

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        x = ops.cast(args[0], keras.backend.result_type(args[0].dtype, "float32"))
        over = tuple(axes[p] if p in places else None for p in range(rank))
        mask = mask_of(over, decisions, x.dtype)
        count = float(fixed)
        for place in places:
            axis = axes[place]
            if axis is not None:
                count = count * axis.count(decisions, x.dtype)
        mean = ops.sum(x * mask, axis=places, keepdims=True) / count if centred else 0.0
        spread = ops.sum(ops.square(x - mean) * mask, axis=places, keepdims=True) / count
        normal = (x - mean) * ops.rsqrt(spread + layer.epsilon)
        return ops.cast(_affine(layer, normal, places), layer.compute_dtype)

    return run


def _affine(layer: Any, x: Any, places: list[int]) -> Any:
    shape = [x.shape[place] if place in places else 1 for place in range(len(x.shape))]
    gain = layer.scale if isinstance(layer, layers.RMSNormalization) else layer.gamma
    if gain is not None:
        x = x * ops.cast(ops.reshape(gain, shape), x.dtype)
    offset = getattr(layer, "beta", None)
    return x if offset is None else x + ops.cast(ops.reshape(offset, shape), x.dtype)


def _grouped(site: Site, axis: Axis) -> Run:
    layer, rank = site.operation, len(site.shape)
    place = layer.axis % rank
    table = axis.joined()
    widths = table.values.sum(-1)
    if (widths % layer.groups).any():
        raise site.refuse(
            f"widths that {layer.groups} groups divide",
            f"{sorted(set(widths.reshape(-1)))}",
            "Choose other widths, or fewer groups.",
        )
    member = table.map(lambda mask: _membership(mask, layer.groups))
    kept = tuple(axis if p == place else None for p in range(rank))
    reduced = [p for p in range(1, rank) if p != place]

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        x = ops.cast(args[0], keras.backend.result_type(args[0].dtype, "float32"))
        x = x * mask_of(kept, decisions, x.dtype)
        groups = member.tensor(decisions, x.dtype)
        size = axis.count(decisions, x.dtype) / layer.groups

        def per_channel(values: Any) -> Any:
            mean = ops.mean(values, axis=reduced) if reduced else values
            within = ops.matmul(mean, groups) / size
            spread = ops.matmul(within, ops.transpose(groups))
            shape = [-1 if p == 0 else (spread.shape[1] if p == place else 1) for p in range(rank)]
            return ops.reshape(spread, shape)

        mean = per_channel(x)
        variance = per_channel(ops.square(x - mean) * mask_of(kept, decisions, x.dtype))
        normal = (x - mean) * ops.rsqrt(variance + layer.epsilon)
        return ops.cast(_affine(layer, normal, [place]), layer.compute_dtype)

    return run


def _membership(mask: Any, groups: int) -> Any:
    """Which group each channel is in, (..., channels, groups), by masks (..., channels)."""
    size = np.maximum(mask.sum(-1, keepdims=True) // groups, 1)
    group = (np.cumsum(mask, axis=-1) - 1) // size
    return (group[..., None] == np.arange(groups)) & mask[..., None]
