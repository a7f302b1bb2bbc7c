"""Attention: elastic heads and widths of heads."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_glove.weight_sharing.axes import Axes, Axis, full, mask_of, prefix
from keras_glove.weight_sharing.constructing import ELASTIC
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.plans import Masked, Plan, Site, rule_for
from keras_glove.weight_sharing.tables import Table

layers = keras.layers

ELASTIC[layers.MultiHeadAttention] = frozenset({"num_heads", "key_dim", "value_dim"})
ELASTIC[layers.GroupQueryAttention] = frozenset(
    {"head_dim", "num_query_heads", "num_key_value_heads"}
)


@rule_for(layers.MultiHeadAttention)
def multi_head(site: Site) -> Plan:
    """Projections of shape (in, heads, width); scores scale with the width that is in use."""
    layer = site.operation
    heads = prefix(site.table("num_heads"))
    keys = site.table("key_dim")
    follows = "value_dim" not in site.notes and layer.value_dim == layer.key_dim
    values = keys if follows and "key_dim" in site.notes else site.table("value_dim")
    return _projections(site, heads, heads, keys, values, layer.key_dim)


@rule_for(layers.GroupQueryAttention)
def group_query(site: Site) -> Plan:
    """As multi-head attention; each key head serves as many query heads.

    With fewer key heads each of them stands in the places of several.
    """
    layer = site.operation
    groups, largest = site.table("num_key_value_heads"), layer.num_key_value_heads
    queries = site.table("num_query_heads")
    if (queries.values % largest).any() or (largest % groups.values).any():
        raise site.refuse(
            "numbers of key heads that divide the largest, which divides those of query heads",
            f"{sorted(set(groups.options()))} and {sorted(set(queries.options()))}",
            "Choose other numbers.",
        )
    inner = prefix(queries.map(lambda heads: heads // largest))
    heads = None if inner is None else full(largest).outer(inner)
    width = site.table("head_dim")
    spread = None if not groups.points else _Spread(groups, largest)
    return _projections(site, heads, prefix(groups), width, width, layer.head_dim, spread)


class _Spread:
    """Puts the heads that are in use in the places of all, each several times in a row."""

    def __init__(self, groups: Table, largest: int) -> None:
        def places(counts: Any) -> Any:
            source = np.arange(largest) * counts[..., None] // largest
            return source[..., None] == np.arange(largest)

        self._table = groups.map(lambda counts: np.asarray(places(np.asarray(counts))))

    def __call__(self, value: Any, decisions: Decisions) -> Any:
        """Of a kernel of shape (in, heads, width), or a bias of shape (heads, width)."""
        matrix = self._table.tensor(decisions, value.dtype)
        return ops.einsum("gh,...hw->...gw", matrix, value)


def _projections(
    site: Site,
    query_heads: Axis | None,
    key_heads: Axis | None,
    keys: Table,
    values: Table,
    largest: int,
    spread: _Spread | None = None,
) -> Plan:
    layer = site.operation
    query_in, value_in, key_in = (axes[-1] for axes in _inputs(site))
    key_width, value_width = prefix(keys), prefix(values)
    scale = None
    if key_width is not None:
        scale = keys.map(lambda width: np.sqrt(largest / width).astype("float32"))
    outer = None if getattr(layer, "_output_shape", None) else query_in
    output = layer._output_dense
    weights: list[tuple[Any, Axes]] = [(output.kernel, (query_heads, value_width, outer))]
    masked = [Masked(output.kernel, (query_heads, value_width, None))]
    if output.bias is not None:
        weights.append((output.bias, (outer,)))
    parts = [
        (layer._query_dense, query_in, query_heads, key_width, scale),
        (layer._key_dense, key_in, key_heads, key_width, None),
        (layer._value_dense, value_in, key_heads, value_width, None),
    ]
    for part, inner, heads, width, factor in parts:
        summed = width if factor is not None else None  # over which scores are sums
        weights.append((part.kernel, (inner, heads, width)))
        place = None if part is layer._query_dense else spread
        masked.append(Masked(part.kernel, (inner, None, summed), factor, place))
        if part.bias is not None:
            weights.append((part.bias, (heads, width)))
            masked.append(Masked(part.bias, (None, summed), factor, place))
    if getattr(layer, "_use_gate", False) or getattr(layer, "use_gate", False):
        gate = layer._gate_dense
        weights.append((gate.kernel, (query_in, query_heads, value_width)))
        masked.append(Masked(gate.kernel, (query_in, None, None)))
        if gate.bias is not None:
            weights.append((gate.bias, (query_heads, value_width)))
    outputs: list[Axes] = [(*_inputs(site)[0][:-1], outer)]
    outputs += [_scores(tensor, query_heads) for tensor in site.outputs[1:]]
    used = [one for one in masked if any(one.axes) or one.scale or one.transform]
    return Plan(outputs, weights, used)


def _scores(tensor: Any, heads: Axis | None) -> Axes:
    return (None, heads, *(None,) * (len(tensor.shape) - 2))


def _inputs(site: Site) -> tuple[Axes, Axes, Axes]:
    """What is in use of query, value and key."""
    names = ("query", "value", "key")
    given = dict(zip(names, site.args, strict=False))
    given.update({name: site.kwargs[name] for name in names if site.kwargs.get(name) is not None})
    if given.get("key") is None:
        given["key"] = given["value"]
    query, value, key = (site.axes_of(given[name]) for name in names)
    return query, value, key


@rule_for(layers.Attention)
def dot_product(site: Site) -> Plan:
    """Zeros add nothing to a dot product."""
    layer = site.operation
    if layer.score_mode != "dot":
        raise site.refuse(
            "score_mode='dot' where the width is open", repr(layer.score_mode), "Use 'dot'."
        )
    query, value = site.tensors[0], site.tensors[1]
    used = site.axes_of(query)

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        first, *rest = args[0]
        mask = mask_of(used, decisions, first.dtype)
        if mask is not None:
            first = ops.where(mask > 0, first, 0)
        return call([first, *rest], **kwargs)

    axes: list[Axes] = [(*used[:-1], site.axes_of(value)[-1])]
    axes += [(None,) * len(tensor.shape) for tensor in site.outputs[1:]]
    return Plan(axes, run=run)


@rule_for(layers.AdditiveAttention)
def additive(site: Site) -> Plan:
    """Sums of the hyperbolic tangent of query and key, zero where both are."""
    layer = site.operation
    axes = [site.axes_of(tensor) for tensor in site.tensors]

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        masks = [mask_of(used, decisions, x.dtype) for used, x in zip(axes, args[0], strict=True)]
        given = zip(args[0], masks, strict=True)
        zeroed = [x if mask is None else ops.where(mask > 0, x, 0) for x, mask in given]
        return call(zeroed, **kwargs)

    outputs: list[Axes] = [(*axes[0][:-1], axes[1][-1])]
    outputs += [(None,) * len(tensor.shape) for tensor in site.outputs[1:]]
    weights = [] if layer.scale is None else [(layer.scale, (axes[0][-1],))]
    return Plan(outputs, weights, run=run)
