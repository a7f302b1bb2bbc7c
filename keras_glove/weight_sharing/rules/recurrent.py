"""Recurrent layers: elastic units."""

from __future__ import annotations

from typing import Any

import keras

from keras_glove.weight_sharing.axes import Axes, Axis, prefix
from keras_glove.weight_sharing.constructing import ELASTIC
from keras_glove.weight_sharing.plans import Masked, Plan, Site, rule_for
from keras_glove.weight_sharing.rules.activations import require_elementwise

__all__ = ["GATES", "one_way", "recurrent"]

layers = keras.layers

GATES = {layers.SimpleRNN: 1, layers.GRU: 3, layers.LSTM: 4}

for _cls in GATES:
    ELASTIC[_cls] = frozenset({"units"})


@rule_for(*GATES)
def recurrent(site: Site) -> Plan | None:
    """One direction."""
    return one_way(site)


def one_way(site: Site) -> Plan:
    """Kernels of shape (in, gates * units) and (units, gates * units), gate by gate."""
    layer, cell = site.operation, site.operation.cell
    inner, units = site.axes[-1], prefix(site.table("units"))
    require_elementwise(site, layer.activation, units)
    outer = None if units is None else units.tiled(GATES[type(layer)])
    weights: list[Any] = [(cell.kernel, (inner, outer)), (cell.recurrent_kernel, (units, outer))]
    if cell.bias is not None:
        weights.append((cell.bias, (*(None,) * (len(cell.bias.shape) - 1), outer)))
    masked = [
        Masked(cell.kernel, (inner, None)),
        Masked(cell.recurrent_kernel, (units, None)),
    ]
    outputs = [_output(site, tensor, units) for tensor in site.outputs]
    return Plan(outputs, weights, [one for one in masked if any(one.axes)])


def _output(site: Site, tensor: Any, units: Axis | None) -> Axes:
    return (*(None,) * (len(tensor.shape) - 1), units)
