"""What a model is called on: known from an earlier call, or told as shapes."""

from __future__ import annotations

import inspect
from typing import Any

import keras

__all__ = ["build_by_call", "first_argument", "known_inputs", "tensors_of_shapes"]


def first_argument(model: keras.Layer) -> str:
    """The name of the first argument of `call`."""
    return next(iter(inspect.signature(model.call).parameters), "")


def known_inputs(model: keras.Layer) -> Any:
    """The structure of `KerasTensor`s that a model was called on first; None if it cannot tell."""
    arguments = inspect.signature(model.call).parameters.values()
    if sum(map(_is_required, arguments)) > 1:  # Keras remembers one
        return None
    try:
        # A Sequential has `inputs` when it is built, but `input` only once it is called.
        known = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
        return keras.tree.map_structure(_like, known)
    except (AttributeError, ValueError):  # never called on symbolic tensors
        pass
    shapes = (model.get_build_config() or {}).get("input_shape") if model.built else None
    return None if shapes is None else tensors_of_shapes(shapes, model.input_dtype, batched=True)


def _is_required(argument: inspect.Parameter) -> bool:
    various = (argument.VAR_POSITIONAL, argument.VAR_KEYWORD)
    return argument.default is argument.empty and argument.kind not in various


def tensors_of_shapes(structure: Any, dtype: str, *, batched: bool) -> Any:
    """The structure with a `KerasTensor` for each shape.

    Args:
      structure: a shape, or a list or dict of shapes (or of these); in place of a shape a
        `KerasTensor`, which gives the data type too.
      dtype: of the tensors.
      batched: whether the shapes have the batch axis.
    """
    if isinstance(structure, keras.KerasTensor):
        return _like(structure)
    if isinstance(structure, dict):
        return {
            key: tensors_of_shapes(part, dtype, batched=batched) for key, part in structure.items()
        }
    if not all(length is None or isinstance(length, int) for length in structure):
        return [tensors_of_shapes(part, dtype, batched=batched) for part in structure]
    shape = tuple(structure)[1:] if batched else tuple(structure)
    return keras.KerasTensor((None, *shape), dtype=dtype)


def _like(tensor: keras.KerasTensor) -> keras.KerasTensor:
    return keras.KerasTensor((None, *tensor.shape[1:]), dtype=tensor.dtype, name=tensor.name)


class _Run(keras.Operation):
    """A call that leaves no trace on the layer that it calls."""

    def __init__(self, layer: keras.Layer) -> None:
        super().__init__()
        self.layer = layer

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return self.layer(*args, **kwargs)


def build_by_call(layer: keras.Layer, *args: Any, **kwargs: Any) -> None:
    """Builds a layer, and the layers in it, by a call on symbolic tensors."""
    _Run(layer)(*args, **kwargs)
