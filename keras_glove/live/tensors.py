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

__all__ = ["OpenCall", "install", "is_tensor", "tensors_in"]


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


def is_tensor(value: Any) -> bool:
    """Whether a value is a symbolic tensor of Keras."""
    return isinstance(value, keras.KerasTensor)


def tensors_in(value: Any) -> list[Any]:
    """The symbolic tensors in a value, those in the candidates of open values included."""
    return list({id(inner): inner for _, inner in walk(value) if is_tensor(inner)}.values())


def _call_on_tensors(
    target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What stands for a call with open values on symbolic tensors: symbolic tensors."""
    program = make(target, args, kwargs)
    otherwise = args[0] if target is chosen else program
    if target is chosen and not all(tensors_in(one) for one in otherwise.candidates):
        return otherwise  # None among tensors, or the like
    stand_ins = {id(t): _placeholder(t) for t in tensors_in(program)}
    apart = transform(program, lambda value: stand_ins.get(id(value), value))
    template = Template(apart)
    first = build(template.materialize(template.space.first()))
    if not all(map(is_tensor, keras.tree.flatten(first))):
        return otherwise  # what it gives is no tensor, but for example a model
    return OpenCall(program, first)(*tensors_in(program))


def _placeholder(tensor: Any) -> keras.KerasTensor:
    """A tensor like `tensor` without anything upstream."""
    return keras.KerasTensor(tensor.shape, dtype=tensor.dtype, sparse=tensor.sparse)
