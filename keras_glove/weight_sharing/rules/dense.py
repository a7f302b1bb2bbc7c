"""Dense, EinsumDense and Embedding."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_glove.weight_sharing.axes import Axes, Axis, prefix
from keras_glove.weight_sharing.constructing import ELASTIC
from keras_glove.weight_sharing.plans import Masked, Plan, Site, rule_for, where
from keras_glove.weight_sharing.rules.activations import require_elementwise
from keras_glove.weight_sharing.tables import Table

layers = keras.layers

ELASTIC[layers.Dense] = frozenset({"units"})
ELASTIC[layers.EinsumDense] = frozenset({"output_shape"})
ELASTIC[layers.Embedding] = frozenset({"output_dim"})


@rule_for(layers.Dense)
def dense(site: Site) -> Plan:
    """Kernel of shape (in, units)."""
    layer, inner, outer = site.operation, site.axes[-1], prefix(site.table("units"))
    require_elementwise(site, layer.activation, outer)
    weights: list[tuple[Any, Axes]] = [(layer._kernel, (inner, outer))]
    if layer.use_bias:
        weights.append((layer.bias, (outer,)))
    masked = [] if inner is None else [Masked(layer._kernel, (inner, None))]
    return Plan([where(site.axes, -1, outer)], weights, masked)


@rule_for(layers.Embedding)
def embedding(site: Site) -> Plan:
    """Embeddings of shape (vocabulary, width)."""
    layer, outer = site.operation, prefix(site.table("output_dim"))
    return Plan([(*site.axes, outer)], [(layer._embeddings, (None, outer))])


@rule_for(layers.EinsumDense)
def einsum_dense(site: Site) -> Plan:
    """Kernel with an axis for each letter of its part of the equation."""
    layer = site.operation
    inputs, kernel, output = split_equation(layer.equation)
    rank = len(site.shape)
    known: dict[str, Axis | None] = dict(zip(spread_letters(inputs, rank), site.axes, strict=True))
    known.update(_output_axes(site, output, known))
    spread = spread_letters(output, len(site.outputs[0].shape))
    require_elementwise(
        site, layer.activation, next((known[k] for k in spread if known[k] is not None), None)
    )
    weights = [(layer._kernel, tuple(known[letter] for letter in kernel))]
    if layer.bias is not None:
        lengths = tuple(layer.bias.shape)
        used = [known[k] if k in (layer.bias_axes or "") else None for k in output.strip(".")]
        weights.append((layer.bias, tuple(used[len(used) - len(lengths) :])))
    summed = tuple(known[k] if k not in output else None for k in kernel)
    masked = [Masked(layer._kernel, summed)] if any(summed) else []
    return Plan([tuple(known[letter] for letter in spread)], weights, masked)


def split_equation(equation: str) -> tuple[str, str, str]:
    """The letters of input, kernel and output."""
    left, output = equation.replace(" ", "").split("->")
    inputs, kernel = left.split(",")
    return inputs, kernel, output


def spread_letters(letters: str, rank: int) -> list[str]:
    """The letters of a side, with numbers for the axes that an ellipsis stands for."""
    if "..." not in letters:
        return list(letters)
    before, after = letters.split("...")
    middle = [str(i) for i in range(rank - len(before) - len(after))]
    return [*before, *middle, *after]


def _output_axes(site: Site, output: str, known: dict[str, Axis | None]) -> dict[str, Axis | None]:
    """What is in use of the axes that the kernel makes."""
    named = output.replace("...", "")
    table = site.table("output_shape", site.operation.partial_output_shape)
    found: dict[str, Axis | None] = {}
    sizes = [v if isinstance(v, tuple | list) else (v,) for v in table.values.reshape(-1)]
    count = len(sizes[0])
    for place, letter in enumerate(named[len(named) - count :]):
        if letter in known:
            continue
        values = [size[place] for size in sizes]
        if None in values:
            found[letter] = None
            continue
        widths: Any = np.array(values).reshape(table.values.shape)
        found[letter] = prefix(Table(table.points, widths))
    return found
