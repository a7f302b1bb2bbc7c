"""The two costs that tables of architectures show: parameters and multiply-adds."""

from __future__ import annotations

import inspect
import math
from typing import Any

import keras

from keras_glove.cost.rules import count
from keras_glove.cost.tracing import trace
from keras_glove.errors import CostError

__all__ = ["multiply_adds", "parameters"]


def parameters(model: keras.Layer, *, trainable_only: bool = True) -> int:
    """Number of parameters of a built Keras model, shared ones counted once.

    Args:
        model: a Keras model or layer.
        trainable_only: leave out what training does not change: the moving
            statistics of batch normalization, which papers leave out too, and
            layers that were frozen. Otherwise the number is that of
            `model.count_params()`.

    Raises:
        CostError: if the model is not built.

    >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
    >>> parameters(model)
    36
    """
    if not model.built:
        raise CostError(
            f"Expected a built model, received {model.name!r} without weights. Call it on data, or "
            "model.build(input_shape), first."
        )
    weights = model.trainable_weights if trainable_only else model.weights
    return sum(math.prod(weight.shape) for weight in weights)


def multiply_adds(model: keras.Layer, input_shape: Any = None) -> int:
    """Multiply-adds of a forward pass over one example, at inference.

    Counts those of convolutions and matrix products, and nothing else (see
    `keras_glove.cost.rules`). Works for functional, sequential and subclassed
    models, for layers, and for products by `keras.ops` outside of layers; a
    layer that is called twice counts twice.

    Args:
        model: a Keras model or layer. One that is not built yet gets built.
        input_shape: shape of one example, without the batch axis, such as
            `(224, 224, 3)`; for several inputs their structure, a list or dict of
            shapes; for several arguments of `call` a dict by argument name.
            Needed where the model does not know it: not built, built with None
            in its shape, or subclassed with several arguments. In place of a
            shape, a `keras.KerasTensor` (with the batch axis) gives the data
            type too.

    Raises:
        CostError: if the shape is unknown, or for a layer that has weights of
            its own and no rule; `register_rule` adds one.

    >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3)])
    >>> multiply_adds(model)  # 6 x 6 positions, 3 x 3 x 1 x 4 products at each
    1296
    """
    args, kwargs = _example(model, input_shape)
    if not model.built:
        trace(model, args, kwargs)  # so that making the weights is no part of the count
    batch = keras.tree.flatten((args, kwargs))[0].shape[0]
    return count(trace(model, args, kwargs)) // batch


def _example(model: keras.Layer, input_shape: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Symbolic inputs for the model, as positional and keyword arguments."""
    if input_shape is not None:
        tensors = _tensors(input_shape, model, batched=False)
        named = isinstance(input_shape, dict) and _first_argument(model) in input_shape
        return ((), tensors) if named else ((tensors,), {})
    known = _known_input(model)
    if known is None:
        raise CostError(
            f"Expected an input_shape for {model.name!r}, which is not built, or takes several "
            "arguments. Pass the shape of one example: multiply_adds(model, input_shape=(224, 224, "
            "3)), or a dict of shapes by argument of `call`."
        )
    return (_tensors(known, model, batched=True),), {}


def _first_argument(model: keras.Layer) -> str:
    return next(iter(inspect.signature(model.call).parameters), "")


def _known_input(model: keras.Layer) -> Any:
    """What the model was called on first, or its shape; None if it cannot tell."""
    try:
        # A Sequential has `inputs` when it is built, but `input` only once it is called.
        return model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    except (AttributeError, ValueError):  # never called on symbolic tensors
        pass
    arguments = inspect.signature(model.call).parameters.values()
    if sum(_is_required(argument) for argument in arguments) > 1:
        return None  # Keras remembers the shape of one
    return (model.get_build_config() or {}).get("input_shape") if model.built else None


def _is_required(argument: inspect.Parameter) -> bool:
    various = (argument.VAR_POSITIONAL, argument.VAR_KEYWORD)
    return argument.default is argument.empty and argument.kind not in various


def _tensors(structure: Any, model: keras.Layer, *, batched: bool) -> Any:
    """The structure with a symbolic tensor for each shape, None in its batch axis made 1."""
    if isinstance(structure, keras.KerasTensor):
        return _tensor(structure.shape, structure.dtype, model)
    if isinstance(structure, dict):
        return {key: _tensors(part, model, batched=batched) for key, part in structure.items()}
    if not all(length is None or isinstance(length, int) for length in structure):
        return type(structure)(_tensors(part, model, batched=batched) for part in structure)
    return _tensor(tuple(structure) if batched else (1, *structure), model.input_dtype, model)


def _tensor(shape: tuple[int | None, ...], dtype: str, model: keras.Layer) -> keras.KerasTensor:
    if None in shape[1:]:
        raise CostError(
            f"Expected a shape without None, received {shape} for {model.name!r}. Pass the shape "
            "of one example: multiply_adds(model, input_shape=(224, 224, 3))."
        )
    return keras.KerasTensor((shape[0] or 1, *shape[1:]), dtype=dtype)
