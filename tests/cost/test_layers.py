"""The multiply-adds of each kind of Keras layer."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from keras_glove.cost import multiply_adds
from tests.cost.table import CASES, CELLS, FREE, OPEN, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_layer_costs_what_its_products_come_to(case: Case) -> None:
    assert multiply_adds(case.make(), case.shape) == case.expected


def test_every_public_layer_is_in_the_table() -> None:
    # Two names for one class (Convolution2D, MaxPool2D and the like) are one.
    public = {layer.__name__ for layer in vars(layers).values() if isinstance(layer, type)}
    listed = {case.name.split()[0] for case in CASES} | {*FREE, *OPEN, *CELLS}
    assert public - listed == set()


@pytest.mark.parametrize("channels", ["channels_first", "channels_last"])
def test_data_format_changes_nothing(channels: str) -> None:
    conv = layers.Conv2D(4, 3, data_format=channels)
    shape = (2, 8, 8) if channels == "channels_first" else (8, 8, 2)
    assert multiply_adds(conv, shape) == 6 * 6 * 9 * 2 * 4


def test_reversible_embedding_multiplies_only_backwards() -> None:
    if not hasattr(layers, "ReversibleEmbedding"):
        pytest.skip("this Keras has no ReversibleEmbedding")
    embedding = layers.ReversibleEmbedding(10, 4)
    tokens = keras.Input((5,), dtype="int32")
    logits = embedding(embedding(tokens), reverse=True)
    assert multiply_adds(keras.Model(tokens, logits)) == 5 * 4 * 10
