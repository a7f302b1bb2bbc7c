"""Layers of the user's own, made with open values and given to a model."""

from __future__ import annotations

from typing import Any

import numpy as np

import keras_glove as kg
from keras_glove import layers


class Block(layers.Layer):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = layers.Dense(width)

    def call(self, x: Any) -> Any:
        return self.inner(x)


class Net(kg.Model):
    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block, self.head = block, layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.head(self.block(x))


def test_an_own_layer_with_an_open_width_is_an_argument_of_a_supernet() -> None:
    model = Net(Block(kg.oneof([4, 8])))
    x = np.ones((2, 4), "float32")
    model(x)
    dna = kg.SearchSpace(model).first()
    model.decide(dna)
    child = model.child(dna)
    assert child.block.inner.units == 4
    np.testing.assert_allclose(model(x), child(x), atol=1e-6)
