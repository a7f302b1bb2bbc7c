"""Switches: what is in use of the output depends on the branch, too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_glove.weight_sharing.axes import Axes, Axis, full, mask_of
from keras_glove.weight_sharing.constructing import notes_of
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.plans import Plan, Site, any_used, rule_for
from keras_glove.weight_sharing.running import run as run_graph
from keras_glove.weight_sharing.switch import Switch, choose
from keras_glove.weight_sharing.tables import Table
from keras_glove.weight_sharing.tracing import Graph, Step, trace


@rule_for(Switch, always=True)
def switch(site: Site) -> Plan | None:
    """Each branch is looked into for what is in use of the input."""
    layer = site.operation
    used = [site.axes_of(tensor) for tensor in site.tensors]
    if not holds_open_width(layer) and not any(map(any_used, used)):
        return None
    graphs = [
        _branch(layer, index, site.args, site.kwargs, used, site.training, False)
        for index in range(len(layer.branches))
    ]
    outputs = [
        _joined(layer, [_axes(graph, place) for graph in graphs], tensor.shape)
        for place, tensor in enumerate(site.outputs)
    ]

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        tensors = [x for x in keras.tree.flatten((args, kwargs)) if hasattr(x, "shape")]

        mixed = decisions.relaxed(layer.selector.points)

        def runner(graph: Graph) -> Any:
            def padded(*given: Any) -> Any:
                return layer.padded(run_graph(graph, given, decisions, zeros=mixed))

            return padded

        runners = [runner(graph) for graph in graphs]
        results = choose(layer.selector, runners, decisions, *tensors)
        if not mixed:
            return results
        # Each branch came with its share of the mask already, which the next layer puts on again.
        flat = keras.tree.flatten(results)
        parts = [_unmasked(x, axes, decisions) for x, axes in zip(flat, outputs, strict=True)]
        return keras.tree.pack_sequence_as(results, parts)

    parts: dict[str, Any] = {name: pairs_in(graphs, name) for name in ("weights", "moved", "made")}
    return Plan(outputs, run=run, graphs=graphs, **parts)


def _unmasked(x: Any, axes: Axes, decisions: Decisions) -> Any:
    mask = mask_of(axes, decisions, x.dtype)
    return x if mask is None else x / ops.where(mask > 0, mask, 1)


def holds_open_width(layer: Any) -> bool:
    """Whether a branch has open arguments somewhere, not counting switches themselves."""
    return any(notes_of(part) or getattr(part, "widths", None) for part in layer._flatten_layers())


def pairs_in(graphs: Iterable[Graph], name: str) -> list[tuple[Any, Any]]:
    """What the plans of graphs say under a name, such as `weights`."""
    plans = [step.plan for graph in graphs for step in graph.steps if step.plan is not None]
    return [pair for plan in plans for pair in getattr(plan, name)]


def branch_graphs(graph: Graph, step: Step) -> list[Graph]:
    """What the branches of a switch run, every layer of the user's own looked into."""
    leaves = keras.tree.flatten((step.args, step.kwargs))
    used = [graph.of(leaf) for leaf in leaves if isinstance(leaf, keras.KerasTensor)]
    return [
        _branch(step.operation, index, step.args, step.kwargs, used, False, True)
        for index in range(len(step.operation.branches))
    ]


def _branch(
    layer: Switch,
    index: int,
    args: Any,
    kwargs: Any,
    used: list[Axes],
    training: bool | None,
    look_into: bool,
) -> Graph:
    args, kwargs = keras.tree.map_structure(_copied, (args, kwargs))
    branch = layer.branches[index]
    keywords = {} if branch is None else layer.keywords(index, kwargs)
    function = _first if branch is None else branch
    return trace(function, args, keywords, used, training, look_into=look_into)


def _first(*args: Any) -> Any:
    return args[0]


def _copied(value: Any) -> Any:
    if not isinstance(value, keras.KerasTensor):
        return value
    return keras.KerasTensor(value.shape, dtype=value.dtype)


def _axes(graph: Graph, place: int) -> Axes:
    return graph.of(keras.tree.flatten(graph.outputs)[place])


def _joined(layer: Switch, options: list[Axes], shape: Any) -> Axes:
    lengths = [list(shape)] * len(options)
    if layer.widths is not None:
        place, sizes = layer.widths
        lengths = [[*shape[:place], size, *shape[place + 1 :]] for size in sizes]
    return tuple(
        _joined_axis(
            layer.selector,
            [option[place] for option in options],
            [length[place] for length in lengths],
        )
        for place in range(len(shape))
    )


def _joined_axis(selector: Table, options: list[Axis | None], lengths: list[Any]) -> Axis | None:
    if all(option == options[0] for option in options[1:]) and len(set(lengths)) == 1:
        return options[0]
    longest = max(lengths)
    tables = [
        (option or full(length)).joined().map(_padded_to(longest))
        for option, length in zip(options, lengths, strict=True)
    ]
    joined = Table.select(selector, tables)
    return None if bool(np.all(joined.values)) else Axis((joined,))


def _padded_to(length: int) -> Any:
    def pad(mask: Any) -> Any:
        missing = length - mask.shape[-1]
        return np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, missing)])

    return pad
