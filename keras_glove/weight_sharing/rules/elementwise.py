"""Layers that work on each number by itself, or nearly: activations, dropout and noise."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_glove.weight_sharing.axes import mask_of
from keras_glove.weight_sharing.constructing import ELASTIC
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.open_values import Open, OpenFloat
from keras_glove.weight_sharing.plans import Plan, Site, any_used, rule_for
from keras_glove.weight_sharing.rules.activations import require_elementwise

layers = keras.layers

ELASTIC[layers.Dropout] = frozenset({"rate"})


@rule_for(
    layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Identity, layers.Rescaling,
    layers.GaussianNoise, layers.GaussianDropout, layers.AlphaDropout,
    layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D,
)  # fmt: skip
def passing(site: Site) -> Plan:
    """What is in use stays in use."""
    return Plan([site.axes])


@rule_for(layers.Activation)
def activation(site: Site) -> Plan:
    """An activation by its function."""
    for axis in site.axes:
        require_elementwise(site, site.operation.activation, axis)
    return Plan([site.axes])


@rule_for(layers.PReLU)
def prelu(site: Site) -> Plan:
    """A slope for each place but the batch and the shared axes."""
    layer = site.operation
    shared = set(layer.shared_axes or ())
    used = tuple(None if place in shared else axis for place, axis in enumerate(site.axes) if place)
    return Plan([site.axes], [(layer.alpha, used)])


@rule_for(layers.ActivityRegularization)
def activity_regularization(site: Site) -> Plan:
    """Zeros add nothing to its loss."""

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        mask = mask_of(site.axes, decisions, args[0].dtype)
        return call(ops.where(mask > 0, args[0], 0), **kwargs)

    return Plan([site.axes], run=run)


@rule_for(layers.Masking)
def masking(site: Site) -> Plan:
    """A time is masked where all that is in use has the value."""
    value = site.operation.mask_value

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        mask = mask_of(site.axes, decisions, args[0].dtype)
        return call(ops.where(mask > 0, args[0], value), **kwargs)

    return Plan([site.axes], run=run)


@rule_for(layers.Softmax)
def softmax(site: Site) -> Plan:
    """Over what is in use alone; zero elsewhere."""
    places = site.operation.axis
    over = {place % len(site.axes) for place in ([places] if isinstance(places, int) else places)}
    used = tuple(axis if place in over else None for place, axis in enumerate(site.axes))
    if not any_used(used):
        return Plan([site.axes])

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        x = args[0]
        least = -6e4 if keras.backend.standardize_dtype(x.dtype) == "float16" else -1e30
        return call(ops.where(mask_of(used, decisions, x.dtype) > 0, x, least), **kwargs)

    return Plan([site.axes], run=run)


@rule_for(layers.Dropout)
def dropout(site: Site) -> Plan:
    """An open rate is read when the layer runs."""
    rate = site.notes.get("rate")
    layer = site.operation

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        training = kwargs.get("training")
        if not (site.training if training is None else training):
            return args[0]
        value = read(rate, decisions)
        return keras.random.dropout(
            args[0], value, noise_shape=layer.noise_shape, seed=layer.seed_generator
        )

    return Plan([site.axes], run=None if rate is None else run)


def read(value: Any, decisions: Decisions) -> Any:
    """An open number in the graph."""
    if isinstance(value, OpenFloat):
        return decisions.number(value.point)
    return value.table.tensor(decisions, "float32") if isinstance(value, Open) else value
