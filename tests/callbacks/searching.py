"""Small supernets and data for the tests of `SearchCallback`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

import keras_glove as kg
from keras_glove import layers


def data(count: int = 64, features: int = 3) -> tuple[Any, Any]:
    """Inputs, and whether they add up to more than 0."""
    x = np.random.default_rng(0).normal(size=(count, features)).astype("float32")
    return x, (x.sum(axis=1, keepdims=True) > 0).astype("float32")


def supernet(**compile_arguments: Any) -> Any:
    """Two dense layers of open width and kind, compiled."""
    keras.utils.set_random_seed(0)
    model = kg.Sequential(
        [
            layers.Dense(kg.oneof([2, 8], name="width"), activation="relu"),
            kg.oneof([layers.Identity(), layers.Activation("tanh")], name="kind"),
            layers.Dense(1),
        ]
    )
    settings = {"optimizer": keras.optimizers.Adam(0.01), "loss": "mse"}
    model.compile(**{**settings, **compile_arguments})
    return model


def two_outputs() -> Any:
    """A functional supernet of two inputs and two outputs, not compiled."""
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    hidden = layers.Dense(kg.oneof([2, 8], name="width"))(keras.layers.Concatenate()([a, b]))
    total = keras.layers.Dense(1, name="total")(hidden)
    sign = keras.layers.Dense(1, name="sign", activation="sigmoid")(hidden)
    from keras_glove import weight_sharing

    return weight_sharing.supernet(keras.Model([a, b], {"total": total, "sign": sign}))
