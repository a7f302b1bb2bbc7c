"""Keras's functional API on open values: the model that comes out is a space.

A program that is called on a `KerasTensor`, such as `layers.Conv2D(oneof([16, 32]), 3)(x)`, gives
a `KerasTensor` too, and so does a choice among tensors, `oneof([x, y])`. Its shape is that of the
first child; behind it stands an `OpenCall` with the program. So layers, `keras.ops`, operators and
`keras.Model` work on it as on any other tensor. When the model is described, the graph of its
tensors is read back, and each child is built anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from keras_glove.errors import OpenValueError
from keras_glove.hyper import Template
from keras_glove.live.names import is_automatic
from keras_glove.symbolic import (
    Program,
    add_call_handler,
    add_describer,
    build,
    register,
    transform,
    walk,
)
from keras_glove.symbolic.making import chosen, make

__all__ = ["OpenCall", "input_program", "install", "is_tensor", "tensors_in", "with_inputs"]


def install() -> None:
    """Tells the symbolic core about symbolic tensors, and what they are indexed with."""
    add_call_handler(keras.KerasTensor, _call_on_tensors)
    add_describer(slice, lambda s, _: Program(slice, {"args": (s.start, s.stop, s.step)}))
    add_describer(type(...), lambda *_: Program(ellipsis, {}))


def ellipsis() -> Any:
    """The `...` of `x[..., 0]`."""
    return ...


register(chosen, "keras_glove.chosen")
register(slice, "slice")
register(ellipsis, "keras_glove.ellipsis")


class OpenCall(keras.Operation):
    """The place of a call with open values in the graph of a functional model.

    Attributes:
      program: the program of the call; the tensors in it are those of the graph.
      first: what the first child gives, a structure of symbolic tensors.
    """

    def __init__(self, program: Program, first: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        self.program = program
        self.first = first

    def compute_output_spec(self, *tensors: Any) -> Any:
        return keras.tree.map_structure(_placeholder, self.first)

    def call(self, *tensors: Any) -> Any:
        raise OpenValueError(
            f"Expected a concrete model, received one that holds {self.program!r}. It is a search "
            "space: draw children with `kg.sample` or `kg.search`, or use `kg.materialize`."
        )


def is_tensor(value: Any) -> bool:
    """Whether a value is a symbolic tensor of Keras."""
    return isinstance(value, keras.KerasTensor)


def tensors_in(value: Any) -> list[Any]:
    """The symbolic tensors in a value, those in the candidates of open values included."""
    return list({id(inner): inner for _, inner in walk(value) if is_tensor(inner)}.values())


def input_program(layer: Any) -> Program:
    """The program of an input, by its layer."""
    options = {
        "shape": tuple(layer.batch_shape[1:]),
        "batch_size": layer.batch_shape[0],
        "dtype": None if layer.dtype == keras.config.floatx() else layer.dtype,
        "sparse": layer.sparse or None,
        "optional": layer.optional or None,
        "name": None if is_automatic(type(layer), layer.name) else layer.name,
    }
    return make(keras.Input, (), {k: value for k, value in options.items() if value is not None})


def _call_on_tensors(
    target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What stands for a call with open values on symbolic tensors: symbolic tensors."""
    program = make(target, args, kwargs)
    if target is chosen and not all(tensors_in(one) for one in args[0].candidates):
        return args[0]  # None among tensors, or the like
    stand_ins = {
        id(t): keras.Input(batch_shape=t.shape, dtype=t.dtype, sparse=t.sparse)
        for t in tensors_in(program)
    }
    apart = transform(program, lambda value: stand_ins.get(id(value), value))
    template = Template(apart)
    first = build(template.materialize(template.space.first()))
    if not all(map(is_tensor, keras.tree.flatten(first))):
        # What it gives is no tensor, but for example a model.
        return args[0] if target is chosen else with_inputs(program)
    return OpenCall(program, first)(*tensors_in(program))


def with_inputs(value: Any) -> Any:
    """The same with programs of `keras.Input` in place of the tensors that it has given."""
    programs: dict[int, Program] = {}
    for found in tensors_in(value):
        source = getattr(getattr(found, "_keras_history", None), "operation", None)
        if isinstance(source, keras.layers.InputLayer):
            programs[id(found)] = input_program(source)
    return transform(value, lambda inner: programs.get(id(inner), inner)) if programs else value


def _placeholder(tensor: Any) -> keras.KerasTensor:
    """A tensor like `tensor` without anything upstream."""
    return keras.KerasTensor(tensor.shape, dtype=tensor.dtype, sparse=tensor.sparse)
