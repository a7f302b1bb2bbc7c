"""`to_keras`: a child as a model that a process with Keras alone can load."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras

from keras_glove.errors import ConversionError
from keras_glove.live.inlining import Inlining, names_in
from keras_glove.live.inputs import (
    build_by_call,
    first_argument,
    known_inputs,
    tensors_of_shapes,
)
from keras_glove.live.names import free_name, snake_case
from keras_glove.live.reading import operations_behind

__all__ = ["to_keras"]


def to_keras(model: keras.Model, input_shape: Any = None, *, name: str | None = None) -> Any:
    """A plain functional model that computes what `model` computes.

    The `call` of the model, and of every layer and model in it that is not Keras's own, is traced
    on symbolic tensors; Keras's own layers in it are copied, with their weights. What comes out
    holds nothing but classes of Keras: its `.keras` file loads in a process that has only Keras.
    It is independent of `model` and not compiled. Losses that a `call` adds by `add_loss` do not
    go along.

    Args:
      model: a Keras model or layer: subclassed, sequential or functional.
      input_shape: shape of one example, without the batch axis; for several inputs their
        structure (list or dict) of shapes, for several arguments of `call` a dict by argument.
        Needed where the model was not called yet.
      name: the name of the new model, by default that of `model`.

    Returns:
      A functional `keras.Model`; its layers are named by the attributes that hold them in `model`.

    Raises:
      ConversionError: the input shape is not known; or something cannot be had from Keras alone:
        a layer of the user's with weights of its own, a wrapper of Keras around a layer of the
        user's, or Python code in `call` that asks for numbers in a tensor, or for the phase.

    >>> import keras
    >>> from keras_glove import layers
    >>> class Residual(layers.Layer):
    ...     def __init__(self, units):
    ...         super().__init__()
    ...         self.dense = layers.Dense(units)
    ...     def call(self, x):
    ...         return x + self.dense(x)
    >>> child = keras.Sequential([keras.Input((4,)), Residual(4), keras.layers.Dense(2)])
    >>> [type(layer).__name__ for layer in to_keras(child).layers]
    ['InputLayer', 'Dense', 'Dense']
    """
    inputs, named = _inputs(model, input_shape)
    if not model.built:
        _outputs(functools.partial(build_by_call, model), inputs, named)
    with Inlining(dict(names_in(model))) as inlining:
        outputs = _outputs(functools.partial(inlining.look_into, model), inputs, named)
    plain = _model(inputs, outputs, name or model.name, inlining.names)
    inlining.copy_weights()
    return plain


def _inputs(model: keras.Model, input_shape: Any) -> tuple[Any, bool]:
    """The inputs of the new model, and whether they are arguments by name."""
    tensors = (
        known_inputs(model)
        if input_shape is None
        else tensors_of_shapes(input_shape, model.input_dtype, batched=False)
    )
    if tensors is None:
        raise ConversionError(
            f"Expected a model whose input shape is known, received {model.name!r}, which was not "
            "called yet, or takes several arguments. Pass the shape of one example: "
            "to_keras(model, input_shape=(28, 28, 1))."
        )
    named = isinstance(tensors, dict) and first_argument(model) in tensors
    if isinstance(tensors, dict):
        return {key: _input(given, key) for key, given in tensors.items()}, named
    return _input(tensors), named


def _input(given: Any, name: str | None = None) -> Any:
    if not isinstance(given, keras.KerasTensor):
        return keras.tree.map_structure(_input, given)
    return keras.Input(batch_shape=given.shape, dtype=given.dtype, name=name)


def _outputs(call: Callable[..., Any], inputs: Any, named: bool) -> Any:
    try:
        return call(**inputs) if named else call(inputs)
    except ConversionError:
        raise
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        raise ConversionError(
            "Expected the `call` of the model, and of every layer in it, to work on symbolic "
            f"tensors, received {type(error).__name__}: {error}. Use keras.ops and layers in it, "
            "and no Python code on the numbers in a tensor."
        ) from error


def _model(inputs: Any, outputs: Any, name: str, taken: set[str]) -> keras.Model:
    """The model, whose operations get names that no layer has, the same in every process."""
    inner = [op for op in operations_behind(outputs) if not isinstance(op, keras.Layer)]
    names = {
        *taken,
        *(tensor._keras_history.operation.name for tensor in keras.tree.flatten(inputs)),
    }
    for operation in inner:
        operation.name = free_name(snake_case(type(operation).__name__), names)
        names.add(operation.name)
    try:
        return keras.Model(inputs, outputs, name=name)
    except ValueError as error:
        raise ConversionError(
            "Expected a `call` that computes its outputs from its inputs, received one of which "
            f"Keras makes no functional model: {error}"
        ) from error
