"""The two costs that tables of architectures show: parameters and multiply-adds."""

from __future__ import annotations

import math
from typing import Any

import keras

from keras_glove.cost.rules import count
from keras_glove.cost.tracing import trace
from keras_glove.errors import CostError
from keras_glove.live.inputs import first_argument, known_inputs, tensors_of_shapes

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
    if input_shape is None:
        tensors, named = known_inputs(model), False
    else:
        tensors = tensors_of_shapes(input_shape, model.input_dtype, batched=False)
        named = isinstance(input_shape, dict) and first_argument(model) in input_shape
    if tensors is None:
        raise CostError(
            f"Expected an input_shape for {model.name!r}, which is not built, or takes several "
            "arguments. Pass the shape of one example: multiply_adds(model, input_shape=(224, 224, "
            "3)), or a dict of shapes by argument of `call`."
        )
    example = keras.tree.map_structure(lambda tensor: _example_of(tensor, model), tensors)
    return ((), example) if named else ((example,), {})


def _example_of(tensor: keras.KerasTensor, model: keras.Layer) -> keras.KerasTensor:
    """The same with one example in the batch, where its size is open."""
    batch, *shape = tensor.shape
    if None in shape:
        raise CostError(
            f"Expected a shape without None, received {tuple(shape)} for {model.name!r}. Pass the "
            "shape of one example: multiply_adds(model, input_shape=(224, 224, 3))."
        )
    return keras.KerasTensor((batch or 1, *shape), dtype=tensor.dtype)
