"""Keras's functional API on open values: the model that comes out is a space.

A program that is called on a `KerasTensor`, such as `layers.Conv2D(oneof([16, 32]), 3)(x)`, gives
a `KerasTensor` too. Its shape is that of the first child; behind it stands an `OpenCall` with the
program. So layers, `keras.ops`, operators and `keras.Model` work on it as on any other tensor.
When the model is described, the graph of its tensors is read back, and each child is built anew.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_glove.errors import OpenValueError
from keras_glove.hyper import Template
from keras_glove.live.describing import describe_by_config, is_automatic, with_state
from keras_glove.symbolic import Program, add_call_handler, add_describer, build, call, register
from keras_glove.symbolic.recording import normalize, recall, remember
from keras_glove.symbolic.symbolize import make

__all__ = ["OpenCall", "functional", "install", "output"]


def install() -> None:
    """Tells the symbolic core about symbolic tensors and functional models."""
    add_call_handler(keras.KerasTensor, _call_on_tensors)
    add_describer(keras.KerasTensor, _describe_tensor)
    add_describer(FUNCTIONAL, _describe_model, snapshot=_model_state)
    add_describer(keras.Sequential, _describe_sequential, snapshot=_model_state)


def _trivial_model() -> keras.Model:
    """A functional model, of a class that Keras does not export."""
    x = keras.Input((1,))
    return keras.Model(x, x)


FUNCTIONAL: Any = type(_trivial_model())
"""The class of functional models."""


def functional(inputs: Any, outputs: Any, name: str | None = None, trainable: bool = True) -> Any:
    """The functional model between symbolic tensors; what `keras.Model(inputs, outputs)` gives."""
    model = keras.Model(inputs=inputs, outputs=outputs, name=name)
    model.trainable = trainable
    return model


def output(of: Any, index: int) -> Any:
    """One of several tensors that a call has given, counted as `keras.tree.flatten` does."""
    return keras.tree.flatten(of)[index]


register(functional, "keras.Model")
register(keras.Input, "keras.Input")
register(output, "keras_glove.output")


class OpenCall(keras.Operation):
    """The place of a call with open values in the graph of a functional model.

    Attributes:
      program: the program of the call, the graph of its tensors included.
    """

    def __init__(self, program: Program, outputs: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        self.program = program
        self._outputs = outputs

    def compute_output_spec(self, *tensors: Any) -> Any:
        return keras.tree.map_structure(_placeholder, self._outputs)

    def call(self, *tensors: Any) -> Any:
        raise OpenValueError(
            f"Expected a concrete model, received one that holds {self.program!r}. It is a search "
            "space: draw children with `kg.sample` or `kg.search`, or use `kg.materialize`."
        )


def _placeholder(tensor: Any) -> keras.KerasTensor:
    """A tensor like `tensor` without anything upstream."""
    return keras.KerasTensor(tensor.shape, dtype=tensor.dtype, sparse=tensor.sparse)


def _call_on_tensors(
    target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What stands for a call with open values on symbolic tensors: symbolic tensors."""
    if target is functional:
        return make(target, args, kwargs)
    stand_ins: dict[int, Any] = {}
    tensors: list[Any] = []

    def stand_in(leaf: Any) -> Any:
        if not isinstance(leaf, keras.KerasTensor):
            return leaf
        if id(leaf) not in stand_ins:
            stand_ins[id(leaf)] = _placeholder(leaf)
            tensors.append(leaf)
        return stand_ins[id(leaf)]

    local = make(target, *keras.tree.map_structure(stand_in, (args, kwargs)))
    template = Template(local)
    first = build(template.materialize(template.space.first()))
    if not all(isinstance(leaf, keras.KerasTensor) for leaf in keras.tree.flatten(first)):
        return make(target, args, kwargs)  # what it gives is no tensor, for example a model
    operation = OpenCall(make(target, args, kwargs), first)
    return operation(*tensors)


# -- reading a graph back --------------------------------------------------------------

_OPEN: weakref.WeakSet[Any] = weakref.WeakSet()
"""Tensors that depend on an open call."""


def _describe_tensor(tensor: Any, known: Program | None) -> Program | None:
    if known is not None or not hasattr(tensor, "_keras_history"):
        return known
    for node in _upstream(tensor):
        _describe_node(node)
    return recall(tensor)


def _upstream(tensor: Any) -> Iterator[Any]:
    """The nodes that a tensor comes from and that are not described yet, inputs first."""
    seen: set[int] = set()
    stack: list[tuple[Any, bool]] = [(_node_of(tensor), False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
            continue
        if id(node) in seen:
            continue
        seen.add(id(node))
        stack.append((node, True))
        stack += [
            (_node_of(before), False)
            for before in reversed(node.input_tensors)
            if hasattr(before, "_keras_history") and recall(before) is None
        ]


def _node_of(tensor: Any) -> Any:
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def _describe_node(node: Any) -> None:
    operation = node.operation
    is_open = isinstance(operation, OpenCall) or any(t in _OPEN for t in node.input_tensors)
    if isinstance(operation, OpenCall):
        program = operation.program
    elif isinstance(operation, keras.layers.InputLayer):
        program = _input(operation)
    else:
        program = _call(node, is_open)
    several = len(node.outputs) > 1
    for index, tensor in enumerate(node.outputs):
        part = Program(output, {"of": program, "index": index}) if several else program
        remember(tensor, part)
        if is_open:
            _OPEN.add(tensor)


def _input(layer: Any) -> Program:
    options = {
        "shape": tuple(layer.batch_shape[1:]),
        "batch_size": layer.batch_shape[0],
        "dtype": layer.dtype,
        "sparse": layer.sparse or None,
        "optional": layer.optional or None,
        "name": None if is_automatic(type(layer), layer.name) else layer.name,
    }
    given = {name: value for name, value in options.items() if value is not None}
    if given["dtype"] == keras.config.floatx():
        del given["dtype"]
    return make(keras.Input, (), given)


def _call(node: Any, is_open: bool) -> Program:
    operation = node.operation
    # A layer keeps its weights where they are meant to last: models, and what is frozen. Below an
    # open call they might not fit.
    frozen = isinstance(operation, keras.Layer) and not operation.trainable
    lasting = not is_open and (frozen or isinstance(operation, keras.Model))
    function = normalize(operation, with_state=lasting)
    arguments = normalize(node.arguments.args), normalize(node.arguments.kwargs)
    return make(call, (function, *arguments[0]), arguments[1])


# -- models ------------------------------------------------------------------------------


def _describe_model(model: Any, known: Program | None) -> Program:
    if not any(isinstance(operation, OpenCall) for operation in model.operations):
        return known if known is not None else describe_by_config(model)
    if known is not None and known.__target__ is functional:
        return known
    arguments = {"inputs": model._inputs_struct, "outputs": model._outputs_struct}
    if not is_automatic(type(model), model.name):
        arguments["name"] = model.name
    return make(functional, (), arguments)


def _describe_sequential(model: Any, known: Program | None) -> Program:
    return known if known is not None else describe_by_config(model)


def _model_state(model: Any, program: Program) -> Program:
    open_calls = any(isinstance(o, OpenCall) for o in getattr(model, "operations", ()))
    return program if open_calls else with_state(model, program)
