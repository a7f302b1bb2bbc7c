"""One model of each kind, by symbolic constructors and as a space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import keras_glove as kg
from keras_glove import layers
from keras_glove.hyper import Template

FEATURES, CLASSES = 6, 3
X = np.random.default_rng(0).normal(size=(8, FEATURES)).astype("float32")
Y = np.arange(8) % CLASSES


class Scale(keras.layers.Layer):
    """A layer of the user's own, from plain Keras, without `get_config`."""

    def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, shape: Any) -> None:
        self.gain = self.add_weight(shape=(shape[-1],), initializer="ones", name="gain")

    def call(self, x: Any) -> Any:
        return x * self.gain * self.factor


kg.symbolize(Scale)
keras.saving.register_keras_serializable("tests")(Scale)


class Residual(layers.Layer):
    """A layer with an argument that is a layer, and none of Keras's methods for configs."""

    def __init__(self, inner: keras.Layer, rate: float = 0.1) -> None:
        super().__init__()
        self.inner = inner
        self.dropout = layers.Dropout(rate)

    def call(self, x: Any, training: bool | None = None) -> Any:
        return x + self.dropout(self.inner(x), training=training)


class Net(kg.Model):
    """A subclassed model with a list of layers, a layer in two places, and a nested model."""

    def __init__(self, width: int, depth: int = 2) -> None:
        super().__init__()
        self.stem = layers.Dense(width, activation="relu", name="stem")
        self.blocks = [Residual(layers.Dense(width)) for _ in range(depth)]
        for index, block in enumerate(self.blocks):  # tf.train.Checkpoint passes over Keras's lists
            setattr(self, f"block_{index}", block)
        self.shared = layers.Dense(width)
        self.head = kg.Sequential([layers.BatchNormalization(), layers.Dense(CLASSES)])

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x, training=training)
        x = self.shared(self.shared(x))
        return keras.ops.softmax(self.head(x, training=training))


def sequential(width: Any) -> Any:
    return kg.Sequential(
        [
            layers.Dense(width, activation="relu"),
            Residual(layers.Dense(width)),
            Scale(2.0),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def functional(width: Any) -> Any:
    x = keras.Input((FEATURES,))
    stem = layers.Dense(width, activation="relu", name="stem")(x)
    a = keras.layers.BatchNormalization()(stem)
    b = layers.Dense(width)(a)
    h = keras.layers.Add()([a, b]) + stem
    inner_in = keras.Input((2,))
    inner = keras.Model(inner_in, layers.Dense(4)(inner_in), name="inner")
    h = keras.layers.Concatenate()([h, inner(keras.layers.Dense(2)(h))])
    return kg.Model(x, layers.Dense(CLASSES, activation="softmax")(h))


def subclassed(width: Any) -> Any:
    return Net(width)


KINDS: dict[str, Callable[[Any], Any]] = {
    "sequential": sequential,
    "functional": functional,
    "subclassed": subclassed,
}


def child_of(kind: str, by: str) -> keras.Model:
    """A model of width 4: by symbolic constructors, or materialized from a space and built."""
    if by == "constructors":
        model = KINDS[kind](4)
    else:
        space = Template(KINDS[kind](kg.oneof([4, 5], name="width")))
        model = kg.build(space.materialize(space.space.first()))
    model(X[:2])
    return model
