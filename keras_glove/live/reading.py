"""Reading the graph behind symbolic tensors of Keras back, as a flat program."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from typing import Any

import keras

from keras_glove.errors import DescriptionError
from keras_glove.live.describing import fresh_config, revive
from keras_glove.live.graphs import apply, functional, part, tensor
from keras_glove.live.names import free_name, is_automatic, snake_case
from keras_glove.live.tensors import OpenCall, input_program, is_tensor, tensors_in
from keras_glove.symbolic import (
    Node,
    OpenValue,
    Program,
    call,
    children,
    signature_of,
    with_children,
)
from keras_glove.symbolic.making import chosen, make
from keras_glove.symbolic.recording import normalize

__all__ = ["is_space", "operations_behind", "read_graph"]


def is_space(model: Any) -> bool:
    """Whether open values stand in the graph of a model, or of a model in it."""
    return any(
        isinstance(operation, OpenCall)
        or (hasattr(operation, "operations") and is_space(operation))
        for operation in getattr(model, "operations", ())
    )


def read_graph(inputs: Any, outputs: Any, **options: Any) -> Program:
    """The program of the functional model between symbolic tensors.

    Args:
      inputs: a tensor, or a structure of tensors.
      outputs: likewise; they may stand in open values.
      **options: further arguments of `functional`.

    Raises:
      DescriptionError: a layer that cannot be made again.
    """
    return _Reader(inputs, outputs).program(options)


def operations_behind(outputs: Any) -> list[Any]:
    """The operations and layers that symbolic tensors come from, those of inputs left out."""
    found: dict[int, Any] = {}
    stack = tensors_in(outputs)
    while stack:
        operation = stack[-1]._keras_history.operation
        call = _Call(stack.pop())
        if call.key not in found and not isinstance(operation, keras.layers.InputLayer):
            found[call.key] = operation
            stack += tensors_in(call.given)
    return list({id(operation): operation for operation in found.values()}.values())


class _Call:
    """A call in the graph: what was called, on what, and what it gave."""

    def __init__(self, found: Any) -> None:
        history = getattr(found, "_keras_history", None)
        if history is None or history.operation is None:
            raise DescriptionError(
                "Expected tensors that come from the inputs of the model, received one that does "
                f"not: {found!r}."
            )
        node = history.operation._inbound_nodes[history.node_index]
        self.key = id(node)
        self.operation = history.operation
        self.outputs = node.outputs
        self.args, self.kwargs = node.arguments.args, node.arguments.kwargs
        is_open_call = isinstance(history.operation, OpenCall)
        self.program: Program | None = history.operation.program if is_open_call else None
        self.gives_list = is_open_call and not is_tensor(history.operation.first)

    @property
    def given(self) -> Any:
        """All that the call is made on."""
        return self.program if self.program is not None else [self.args, self.kwargs]


class _Reader:
    def __init__(self, inputs: Any, outputs: Any) -> None:
        self._inputs, self._outputs = inputs, outputs
        self._layers: dict[str, Any] = {}
        self._tensors: dict[str, Any] = {}
        self._names: dict[int, tuple[Any, str]] = {}  # of layers, by their ids
        # What a tensor, or a node that holds one, becomes in the program. Here and above the
        # original stands beside it, so that its id stays taken.
        self._read: dict[int, tuple[Any, Any]] = {}
        self._below_open: set[int] = set()

    def program(self, options: dict[str, Any]) -> Program:
        for given in keras.tree.flatten(self._inputs):
            self._add_input(given)
        ordered = self._ordered()
        certain = _certain(ordered, self._outputs)
        self._is_space = any(found.program or is_space(found.operation) for found in ordered)
        for found in ordered:
            self._add(found, found.key in certain)
        arguments = {
            "layers": self._layers,
            "tensors": self._tensors,
            "inputs": self._converted(self._inputs),
            "outputs": self._converted(self._outputs),
        }
        return Program(functional, {**arguments, **options})

    # -- which calls there are ---------------------------------------------------------

    def _ordered(self) -> list[_Call]:
        """All calls between inputs and outputs, each after those that it depends on."""
        order: list[_Call] = []
        seen: set[int] = set()
        stack = [(found, False) for found in reversed(self._calls(tensors_in(self._outputs)))]
        while stack:
            found, ready = stack.pop()
            if ready:
                order.append(found)
            elif found.key not in seen:
                seen.add(found.key)
                stack.append((found, True))
                stack += [(f, False) for f in reversed(self._calls(tensors_in(found.given)))]
        return order

    def _calls(self, tensors: Iterable[Any]) -> list[_Call]:
        return [_Call(t) for t in tensors if id(t) not in self._read]

    # -- what they become --------------------------------------------------------------

    def _add_input(self, given: Any) -> None:
        source = getattr(getattr(given, "_keras_history", None), "operation", None)
        if isinstance(source, keras.layers.InputLayer):
            program = input_program(source)
        else:  # a tensor in the middle of a graph, where the model begins
            program = make(keras.Input, (), {"batch_shape": given.shape, "dtype": given.dtype})
        key = free_name(program.__arguments__.get("name", "input"), self._tensors)
        self._tensors[key] = program
        self._read[id(given)] = (given, Program(tensor, {"name": key}))

    def _add(self, found: _Call, certain: bool) -> None:
        """A certain call gets a name; another stands in the candidates that need it."""
        program = self._call_program(found, certain)
        several = len(found.outputs) > 1 or found.gives_list
        if certain:
            key = free_name(_stem(program), self._tensors)
            self._tensors[key] = program
        for index, output in enumerate(found.outputs):
            if certain:
                reference = {"name": key, "index": index} if several else {"name": key}
                self._read[id(output)] = (output, Program(tensor, reference))
            else:
                one = _applied(part, (program, index), {}) if several else program
                self._read[id(output)] = (output, one)

    def _call_program(self, found: _Call, certain: bool) -> Any:
        if found.program is not None:
            self._below_open.update(map(id, found.outputs))
            return self._open_call(found.program, certain)
        below_open = any(id(t) in self._below_open for t in tensors_in(found.given))
        if below_open or is_space(found.operation):
            self._below_open.update(map(id, found.outputs))
        if not isinstance(found.operation, keras.Layer):
            function, config = _function_of(found)
            kwargs = {**self._converted(found.kwargs), **config}
            return _applied(function, self._converted(found.args), kwargs)
        function = self._layer(found.operation, certain, below_open)
        kwargs = {key: value for key, value in found.kwargs.items() if _was_given(value, found)}
        return _applied(function, self._converted(found.args), self._converted(kwargs))

    def _open_call(self, program: Program, certain: bool = False) -> Any:
        if program.__target__ is chosen:
            return self._converted(program.value)
        if program.__target__ is not call:
            signature = signature_of(program.__target__)
            args, kwargs = signature.call_arguments(program.__arguments__)
            return _applied(program.__target__, self._converted(args), self._converted(kwargs))
        kwargs = dict(program.__arguments__)
        function, args = kwargs.pop("function"), kwargs.pop("args", ())
        if certain and isinstance(function, Node) and not tensors_in(function):
            function = self._named(function, function, _stem(function))
        return _applied(self._converted(function), self._converted(args), self._converted(kwargs))

    def _layer(self, layer: Any, certain: bool, below_open: bool) -> Any:
        """The name of a layer, or its program where it has none."""
        if id(layer) in self._names:
            return self._names[id(layer)][1]
        automatic = is_automatic(type(layer), layer.name)
        name = snake_case(type(layer).__name__) if automatic else layer.name
        # A space has no weights as a whole; those that are meant to last stand with their layers:
        # those of models, and of what is frozen. Below an open call they might not fit.
        lasting = isinstance(layer, keras.Model) or not layer.trainable
        with_state = self._is_space and lasting and not below_open
        function = normalize(layer, ("layers", name), with_state=with_state)
        return self._named(layer, function, name) if certain else function

    def _named(self, layer: Any, function: Any, base: str) -> str:
        if id(layer) not in self._names:
            key = free_name(base, self._layers)
            self._layers[key] = function
            self._names[id(layer)] = (layer, key)
        return self._names[id(layer)][1]

    def _converted(self, value: Any) -> Any:
        """A value as it stands in the program: no tensors are in it, but their names."""
        if id(value) in self._read:
            return self._read[id(value)][1]
        if isinstance(value, Node):
            return self._converted_node(value)
        below = children(value)
        if below is None:
            return _constant(value)
        return with_children(value, [self._converted(child) for _, child in below])

    def _converted_node(self, node: Node) -> Any:
        if not tensors_in(node):
            return node
        if isinstance(node, Program):
            result: Any = self._open_call(node)
        else:
            inside = [self._converted(child) for _, child in children(node) or ()]
            result = with_children(node, inside)
        self._read[id(node)] = (node, result)
        return result


def _certain(ordered: list[_Call], outputs: Any) -> set[int]:
    """The keys of the calls that are made whatever is decided, of calls in order.

    What a call needs is a number with a bit for each call. A choice needs for certain what all
    its candidates need.
    """
    needs: dict[int, int] = {}

    def needed(value: Any) -> int:
        if is_tensor(value):
            return needs.get(id(value), 0)
        if isinstance(value, OpenValue):
            candidates = [needed(candidate) for candidate in getattr(value, "candidates", ())]
            return functools.reduce(operator.and_, candidates) if candidates else 0
        return functools.reduce(operator.or_, [needed(c) for _, c in children(value) or ()], 0)

    for index, found in enumerate(ordered):
        bits = needed(found.given) | 1 << index
        needs.update((id(output), bits) for output in found.outputs)
    certain = needed(outputs)
    return {found.key for index, found in enumerate(ordered) if certain >> index & 1}


def _was_given(value: Any, found: _Call) -> bool:
    """Whether a keyword of a call was written by the user, and not filled in by Keras."""
    masks = [getattr(t, "_keras_mask", None) for t in tensors_in(found.args)]
    return value is not None and not any(value is mask for mask in masks)


def _constant(value: Any) -> Any:
    if isinstance(value, keras.Variable):
        raise DescriptionError(
            "Expected a functional model that computes with layers and tensors, received the "
            f"variable {value.path!r} outside of a layer, which children would share."
        )
    if keras.ops.is_tensor(value):
        return keras.ops.convert_to_numpy(value)
    return normalize(value)


def _applied(function: Any, args: Iterable[Any], kwargs: dict[str, Any]) -> Program:
    arguments = {"function": function, "args": tuple(args), **kwargs}
    if not arguments["args"]:
        del arguments["args"]
    return Program(apply, signature_of(apply).ordered(arguments))


# -- operations and inputs -----------------------------------------------------------------


def _function_of(found: _Call) -> tuple[Any, dict[str, Any]]:
    """The function of `keras.ops` that an operation belongs to, and its keywords."""
    operation = found.operation
    function = getattr(keras.ops, snake_case(type(operation).__name__), None)
    config = _config(operation)
    if function is None or not _makes(function, config, found):
        return Program(revive, {"config": fresh_config(operation)}), {}
    defaults = signature_of(function).defaults
    given = {k: v for k, v in config.items() if k not in defaults or defaults[k] != v}
    return function, given


def _config(operation: Any) -> dict[str, Any]:
    return {key: value for key, value in operation.get_config().items() if key != "name"}


def _makes(function: Any, config: dict[str, Any], found: _Call) -> bool:
    """Whether a call of the function would have made the same operation."""

    def placeholder(value: Any) -> Any:
        return keras.KerasTensor(value.shape, dtype=value.dtype) if is_tensor(value) else value

    args, kwargs = keras.tree.map_structure(placeholder, (found.args, found.kwargs))
    try:
        made = _Call(keras.tree.flatten(function(*args, **kwargs, **config))[0]).operation
    except (TypeError, ValueError):
        return False
    return type(made) is type(found.operation) and _config(made) == config


# -- names ---------------------------------------------------------------------------------


def _stem(function: Any) -> str:
    """What a call is named by: the layer, hyper-value or function in it."""
    if isinstance(function, str):
        return function
    if isinstance(function, OpenValue):
        return getattr(function, "name", None) or "choice"
    if isinstance(function, Program) and function.__target__ is apply:
        return _stem(function.function)
    if not isinstance(function, Program):
        return snake_case(getattr(function, "__name__", type(function).__name__))
    if function.__target__ is revive:
        return snake_case(function.__arguments__["config"]["class_name"])
    name = function.__arguments__.get("name")
    return name if isinstance(name, str) else snake_case(function.__target__.__name__)
