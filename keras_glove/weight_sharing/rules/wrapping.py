"""Layers of Keras that hold another one: Bidirectional and TimeDistributed."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from keras import ops

from keras_glove.weight_sharing.axes import Axes, Axis, full
from keras_glove.weight_sharing.constructing import notes_of
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.plans import Plan, Site, rule_for, where
from keras_glove.weight_sharing.rules.recurrent import GATES, one_way
from keras_glove.weight_sharing.rules.switching import pairs_in
from keras_glove.weight_sharing.running import run as run_graph
from keras_glove.weight_sharing.tracing import trace

layers = keras.layers


@rule_for(layers.Bidirectional)
def bidirectional(site: Site) -> Plan:
    """A recurrent layer forwards, and one backwards."""
    layer = site.operation
    parts = (layer.forward_layer, layer.backward_layer)
    if layer.return_state or any(type(part) not in GATES for part in parts):
        raise site.refuse(
            "an LSTM, GRU or SimpleRNN that returns no state where widths are open",
            f"{type(parts[0]).__name__}, return_state={layer.return_state}",
            "Keep the widths before and in it fixed.",
        )
    plans = [
        one_way(dataclasses.replace(site, operation=part, outputs=[tensor], notes=notes_of(part)))
        for part, tensor in zip(parts, (site.outputs[0], site.outputs[-1]), strict=True)
    ]
    outputs = _merged(site, [plan.outputs[0] for plan in plans])
    weights = [pair for plan in plans for pair in plan.weights]
    return Plan(outputs, weights, [one for plan in plans for one in plan.masked])


def _merged(site: Site, both: list[Axes]) -> list[Axes]:
    layer = site.operation
    first, second = both[0][-1], both[1][-1]
    if layer.merge_mode is None:
        return both
    if layer.merge_mode == "concat":
        if first is None and second is None:
            return both[:1]
        row = [
            axis or full(part.units)
            for axis, part in ((first, layer.forward_layer), (second, layer.backward_layer))
        ]
        return [where(both[0], -1, Axis((*row[0].parts, *row[1].parts)))]
    if first != second:
        raise site.refuse(
            f"equal units both ways for merge_mode={layer.merge_mode!r}",
            "different open ones",
            "Leave `backward_layer` out, or give both one common hyper-value.",
        )
    return both[:1]


@rule_for(layers.TimeDistributed)
def time_distributed(site: Site) -> Plan:
    """The same at each time, so times can be taken as examples."""
    layer, (x, *_) = site.operation.layer, site.tensors
    axes = site.axes
    states = [v for v in layer.non_trainable_variables if "seed" not in v.path]
    if axes[1] is not None or states:
        raise site.refuse(
            "a layer without statistics, over a fixed number of times, where widths are open",
            f"{type(layer).__name__} with {[v.path for v in states]}",
            "Apply the layer to the whole tensor, or keep the widths fixed.",
        )
    inner = keras.KerasTensor((None, *x.shape[2:]), dtype=x.dtype)
    graph = trace(layer, (inner,), {}, [(None, *axes[2:])], site.training)
    (result,) = keras.tree.flatten(graph.outputs)

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        given = args[0]
        times = ops.shape(given)[1]
        flat = ops.reshape(given, (-1, *given.shape[2:]))
        made = run_graph(graph, [flat], decisions, zeros=False)
        return ops.reshape(made, (-1, times, *result.shape[1:]))

    used = graph.of(result)
    parts: dict[str, Any] = {name: pairs_in([graph], name) for name in ("weights", "moved", "made")}
    return Plan([(used[0], None, *used[1:])], run=run, graphs=[graph], **parts)
