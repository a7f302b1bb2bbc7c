"""Models and data of which the same is asked on one replica and on several."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_glove as kg
from keras_glove import tpu

layers = keras.layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(33, 6)).astype("float32")
Y = RNG.integers(0, 3, 33)
W = RNG.random(33).astype("float32")


def mirrored() -> tf.distribute.Strategy:
    return tpu.strategy("mirrored").strategy


def scope(strategy: Any) -> Any:
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def loss(**settings: Any) -> keras.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, **settings)


def made(make: Callable[[], Any], strategy: Any, **settings: Any) -> Any:
    """A compiled model, on a strategy, from one seed."""
    keras.utils.set_random_seed(0)
    with scope(strategy):
        model = make()
        model(X[:2])
        options = {
            "optimizer": keras.optimizers.SGD(0.1, momentum=0.9),
            "loss": loss(),
            "metrics": ["accuracy"],
            "weighted_metrics": ["accuracy"],
        }
        model.compile(**{**options, **{k: v() if callable(v) else v for k, v in settings.items()}})
    return model


class Static(kg.Model):
    """A model without open values."""

    def __init__(self, normalized: bool = False) -> None:
        super().__init__()
        self.hidden = layers.Dense(8, activation="tanh", kernel_regularizer="l2")
        self.normalization = layers.BatchNormalization(momentum=0.5) if normalized else None
        self.head = layers.Dense(3)

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = self.hidden(x)
        if self.normalization is not None:
            x = self.normalization(x, training=training)
        return self.head(x)


class Open(kg.Model):
    """A model with a branch, and a width, to be decided."""

    def __init__(self, width: Any, branch: Any) -> None:
        super().__init__()
        self.hidden = kg.layers.Dense(width, activation="tanh")
        self.branch = branch
        self.head = kg.layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.head(self.branch(self.hidden(x)))


def supernet() -> Any:
    branches = [kg.layers.Dense(8, activation="tanh"), kg.layers.Dense(8), kg.layers.Identity()]
    return Open(kg.oneof([4, 8]), kg.oneof(branches))


def switched() -> Any:
    branches = [kg.layers.Dense(8, activation="tanh"), kg.layers.Dense(8)]
    return Open(8, kg.oneof(branches))


def weights(model: Any) -> list[np.ndarray]:
    """All weights of a model, and of its optimizer, that are numbers."""
    return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]


def accuracy(y: Any, predicted: Any) -> Any:
    """Of each example, 1 or 0."""
    found = keras.ops.argmax(predicted, axis=-1)
    return keras.ops.cast(keras.ops.equal(keras.ops.cast(y, found.dtype), found), "float32")
