"""What a model is called on: known from an earlier call, or told as shapes."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

import keras

from keras_glove.errors import BuildError

__all__ = [
    "BuiltFor",
    "build_by_call",
    "first_argument",
    "is_built",
    "known_inputs",
    "tensors_of_shapes",
]


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
        return _alike(known)
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
    return keras.KerasTensor(tensor.shape, dtype=tensor.dtype, name=tensor.name)


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


@dataclasses.dataclass(frozen=True)
class BuiltFor:
    """What a layer or model was built for, so that another one can be.

    Attributes:
      args, kwargs: the symbolic tensors that it was called on, where that is known.
      config: what its `get_build_config` gives.
    """

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    config: dict[str, Any] | None = None

    @classmethod
    def of(cls, layer: keras.Layer) -> BuiltFor:
        """What is known of a layer or model."""
        inputs = known_inputs(layer)
        if inputs is not None:
            return cls((inputs,))
        if layer._inbound_nodes:
            arguments = layer._inbound_nodes[0].arguments
            kwargs = {k: _alike(v) for k, v in arguments.kwargs.items() if _has_tensors(v)}
            return cls(tuple(_alike(arguments.args)), kwargs)
        return cls(config=layer.get_build_config())

    @property
    def suffices(self) -> bool:
        """Whether another one can be built. Of several arguments Keras remembers the first one."""
        return bool(self.args or self.kwargs or "shapes_dict" in (self.config or {}))

    def build(self, layer: keras.Layer) -> None:
        """Builds a layer or model where that is not done yet.

        Raises:
          BuildError: what it is called on is not known.
        """
        if is_built(layer):
            return
        if self.args or self.kwargs:
            build_by_call(layer, *self.args, **self.kwargs)
        elif self.suffices:
            layer.build_from_config(self.config)
        if not is_built(layer):
            raise BuildError(
                f"Expected a layer or model whose inputs are known, received {layer.name!r}, which "
                "takes several arguments. Call the new one on data, then use "
                "`keras_glove.models.carry_weights(old, new)`."
            )


def is_built(layer: keras.Layer) -> bool:
    """Whether a layer or model, and every layer in it, is built."""
    return all(part.built for part in layer._flatten_layers())


def _has_tensors(value: Any) -> bool:
    return any(isinstance(leaf, keras.KerasTensor) for leaf in keras.tree.flatten(value))


def _alike(value: Any) -> Any:
    """The same with new tensors."""
    return keras.tree.map_structure(
        lambda leaf: _like(leaf) if isinstance(leaf, keras.KerasTensor) else leaf, value
    )
