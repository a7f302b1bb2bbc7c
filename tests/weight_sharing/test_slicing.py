"""Convolutions work on what is in use alone where the size of a tensor may be known late."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_glove as kg
from keras_glove import layers
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.supernet import sharing_of

LAYERS = {
    "conv": lambda **more: layers.Conv2D(kg.oneof([2, 4]), 3, padding="same", **more),
    "line": lambda **more: layers.Conv2D(kg.oneof([2, 4]), (1, 3), padding="same", **more),
    "separable": lambda **more: layers.SeparableConv2D(kg.oneof([2, 4]), 3, padding="same", **more),
}


def model_of(kind: str, **more: Any) -> Any:
    open_kernel = layers.Conv2D(2, kg.oneof([1, 3]), padding="same")
    return kg.Sequential([LAYERS[kind](**more), open_kernel, layers.Flatten(), layers.Dense(1)])


def filters_in(graph: Any) -> list[Any]:
    """The shapes of the filters of all convolutions of a graph."""
    kinds = ("Conv2D", "DepthwiseConv2dNative")
    return [op.inputs[1].shape.as_list() for op in graph.get_operations() if op.type in kinds]


@pytest.mark.parametrize("kind", LAYERS)
def test_filters_and_inputs_are_cut_to_what_is_in_use(kind: str) -> None:
    model = model_of(kind, activation="tanh")
    x = tf.ones((2, 6, 6, 3))
    model(x)
    shapes = filters_in(tf.function(model).get_concrete_function(x).graph)
    *_, first, last = shapes
    assert first[-1] is None
    assert last[0] is last[1] is last[2] is None


def test_what_is_relaxed_or_compiled_is_masked() -> None:
    model = model_of("conv")
    x = tf.ones((2, 6, 6, 3))
    model(x)
    sharing = sharing_of(model)
    half = Decisions(np.zeros(2, "int32"), weights={i: np.array([0.5, 0.5]) for i in range(2)})
    with sharing.given(half):
        relaxed = tf.function(model).get_concrete_function(x)
    compiled = tf.function(model, jit_compile=True).get_concrete_function(x)
    for traced in (relaxed, compiled):
        assert filters_in(traced.graph) == [[3, 3, 3, 4], [3, 3, 4, 2]]


def test_nothing_of_what_is_not_in_use_takes_part() -> None:
    model = model_of("conv")
    x = np.ones((2, 6, 6, 3), "float32")
    model(x)
    model.decide(sharing_of(model).space.first())
    expected = np.asarray(model(x))
    kernel = next(v for v in model.layers[0].variables if v.path.endswith("kernel"))
    kernel.assign(keras.ops.slice_update(kernel, (0, 0, 0, 2), np.full((3, 3, 3, 2), np.nan)))
    np.testing.assert_array_equal(model(x), expected)
