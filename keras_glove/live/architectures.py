"""How models made of layers, functional and sequential ones, are described."""

from __future__ import annotations

from typing import Any

import keras

from keras_glove.errors import DescriptionError
from keras_glove.live.describing import describe_layer, with_state
from keras_glove.live.graphs import functional
from keras_glove.live.names import is_automatic
from keras_glove.live.reading import is_space, read_graph
from keras_glove.live.tensors import input_program, tensors_in
from keras_glove.symbolic import Program, add_describer, equal
from keras_glove.symbolic.recording import normalize

__all__ = ["install"]


def _functional_class() -> Any:
    """The class of functional models, which Keras does not export."""
    x = keras.Input((1,))
    return type(keras.Model(x, x))


FUNCTIONAL: Any = _functional_class()


def install() -> None:
    """Tells the symbolic core how models are described."""
    add_describer(FUNCTIONAL, _describe_functional, snapshot=_state_of)
    add_describer(keras.Sequential, _describe_sequential, snapshot=_state_of)


def _describe_functional(model: Any, known: Program | None) -> Program:
    if not is_space(model):
        if known is not None or type(model) is not FUNCTIONAL:
            return describe_layer(model, known)
    elif known is not None and known.__target__ is functional:
        return known
    elif type(model) is not FUNCTIONAL:
        raise DescriptionError(
            f"Expected a {type(model).__name__} that is made with its open values as arguments, "
            "received one that makes them itself, so that children would be made with them again. "
            "Let its `__init__` take them."
        )
    return read_graph(model._inputs_struct, model._outputs_struct, **_options(model))


def _describe_sequential(model: Any, known: Program | None) -> Program:
    if type(model) is not keras.Sequential:
        return describe_layer(model, known)
    first, rest = model._layers[:1], model.layers
    layers = [normalize(layer, ("layers", i), with_state=False) for i, layer in enumerate(rest)]
    if known is not None and _has_layers(known, layers):
        return describe_layer(model, known)
    if first and isinstance(first[0], keras.layers.InputLayer):
        layers.insert(0, input_program(first[0]))
    return Program(keras.Sequential, {"layers": layers, **_options(model)})


def _has_layers(program: Program, layers: list[Any]) -> bool:
    """Whether a program still tells all layers of a model, which may get some and lose some.

    One that was made with a tensor, the input, does not.
    """
    if program.__target__ is not keras.Sequential or tensors_in(program):
        return program.__target__ is not keras.Sequential
    told = [layer for layer in program.layers or () if not _is_input(layer)]
    return len(told) == len(layers) and all(map(equal, told, layers))


def _is_input(program: Any) -> bool:
    target = program.__target__ if isinstance(program, Program) else None
    return target in (keras.Input, keras.layers.InputLayer)


def _options(model: Any) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if not is_automatic(type(model), model.name):
        options["name"] = model.name
    if not model.trainable:
        options["trainable"] = False
    return options


def _state_of(model: Any, program: Program) -> Program:
    return program if is_space(model) else with_state(model, program)
