"""Running a graph whose widths are open under decisions."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_glove.weight_sharing.axes import mask_of
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.open_values import Open, OpenFloat
from keras_glove.weight_sharing.plans import Plan
from keras_glove.weight_sharing.tracing import Graph, Step

__all__ = ["run"]


def run(graph: Graph, tensors: Sequence[Any], decisions: Decisions, *, zeros: bool = True) -> Any:
    """What a graph gives on tensors under decisions.

    With `zeros`, what is not in use of its outputs is zero; without, it can be anything.
    """
    values = {id(symbol): value for symbol, value in zip(graph.inputs, tensors, strict=True)}

    for step in graph.steps:
        filled = functools.partial(_filled, values, decisions, step.outputs[0].dtype)
        args = keras.tree.map_structure(filled, step.args)
        kwargs = keras.tree.map_structure(filled, step.kwargs)
        results = _step(step, args, kwargs, decisions)
        for symbol, value in zip(step.outputs, keras.tree.flatten(results), strict=True):
            values[id(symbol)] = value
    return keras.tree.map_structure(
        lambda leaf: _masked_output(leaf, values, graph, decisions, zeros), graph.outputs
    )


def _filled(values: dict[int, Any], decisions: Decisions, dtype: str, leaf: Any) -> Any:
    """An argument of a call; open numbers have the type of its result, as numbers of Python do."""
    if isinstance(leaf, keras.KerasTensor):
        return values[id(leaf)]
    if isinstance(leaf, Open):
        inner = dtype if keras.backend.is_float_dtype(dtype) else keras.config.floatx()
        return leaf.table.tensor(decisions, inner)
    return decisions.number(leaf.point) if isinstance(leaf, OpenFloat) else leaf


def _masked_output(leaf: Any, values: Any, graph: Graph, decisions: Decisions, zeros: bool) -> Any:
    if not isinstance(leaf, keras.KerasTensor):
        return leaf
    value = values[id(leaf)]
    if not zeros:
        return value
    mask = mask_of(graph.of(leaf), decisions, value.dtype)
    return value if mask is None else value * mask


def _step(step: Step, args: Any, kwargs: Any, decisions: Decisions) -> Any:
    plan, operation = step.plan, step.operation
    if plan is None:
        return operation(*args, **kwargs)

    def call(*given: Any, **keywords: Any) -> Any:
        return _masked(operation, plan, given, keywords, decisions)

    if plan.run is not None:
        return plan.run(decisions, call, args, kwargs)
    return call(*args, **kwargs)


def _masked(operation: Any, plan: Plan, args: Any, kwargs: Any, decisions: Decisions) -> Any:
    """The call of a layer with masked weights, and masked updates of its state."""
    states = [(v, axes) for v, axes in plan.weights if not v.trainable]
    if not plan.masked and not states:
        return operation(*args, **kwargs)
    given = [(one.variable, _value(one, decisions)) for one in plan.masked]
    with keras.StatelessScope(given) as scope:
        outputs = operation(*args, **kwargs)
    used = {id(variable): axes for variable, axes in states}
    replaced = {id(variable) for variable, _ in given}
    for variable in operation.variables:
        new = scope.get_current_value(variable)
        if new is None or id(variable) in replaced:
            continue
        mask = mask_of(used.get(id(variable), ()), decisions, "float32")
        variable.assign(new if mask is None else ops.where(mask > 0, new, variable.value))
    return outputs


def _value(one: Any, decisions: Decisions) -> Any:
    value = one.variable.value
    if one.transform is not None:
        value = one.transform(value, decisions)
    mask = mask_of(one.axes, decisions, value.dtype)
    if mask is not None:
        value = value * mask
    return value if one.scale is None else value * one.scale.tensor(decisions, value.dtype)
