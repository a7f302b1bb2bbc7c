"""The table under mixed precision, channels first and XLA, and over many steps."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_glove as kg
from keras_glove import layers
from keras_glove.weight_sharing.supernet import sharing_of

from .checks import architectures, built
from .table import CASES, Case
from .test_conformance import close

SOME = [
    case
    for case in CASES
    if case.name
    in {
        "Dense", "Conv2D", "SeparableConv2D", "LSTM", "MultiHeadAttention", "BatchNormalization",
        "LayerNormalization", "GroupNormalization", "Switch", "Repeat", "variants", "ops.Softmax",
    }
]  # fmt: skip


@pytest.fixture
def mixed() -> Iterator[None]:
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("case", SOME, ids=lambda case: case.name)
def test_mixed_precision(case: Case) -> None:
    model, x = built(case)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse", run_eagerly=True)
    for dna in architectures(model, 2):
        model.decide(dna)
        shared, own = model(x), model.child(dna)(x)
        assert keras.backend.standardize_dtype(shared.dtype) == "bfloat16"
        assert close(tf.cast(shared, "float32"), tf.cast(own, "float32")) < 0.03
        model.train_on_batch(x, np.zeros(shared.shape, "float32"))


#: Cases that XLA compiles for more than two seconds.
SLOW = {"MultiHeadAttention", "Switch", "variants"}


def marked(case: Case) -> Any:
    return pytest.param(case, marks=pytest.mark.slow) if case.name in SLOW else case


@pytest.mark.parametrize("case", [marked(case) for case in SOME], ids=lambda case: case.name)
def test_xla(case: Case) -> None:
    if case.name == "LSTM":
        pytest.skip("Keras runs a loop of unknown length, which XLA cannot differentiate")
    model, x = built(case)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse", jit_compile=True)
    y = np.zeros(model(x).shape, "float32")
    for dna in architectures(model, 2):
        model.decide(dna)
        child = model.child(dna)
        child.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse")
        target = np.zeros(child(x).shape, "float32")
        rest = y.size / target.size
        shared, own = model.train_on_batch(x, y) * rest, child.train_on_batch(x, target)
        np.testing.assert_allclose(shared, own, rtol=1e-3)


@pytest.mark.parametrize(
    "inner",
    [
        lambda: layers.DepthwiseConv2D(kg.oneof([1, 3]), padding="same"),
        lambda: layers.BatchNormalization(axis=1),
        lambda: layers.GroupNormalization(2, axis=1),
        lambda: layers.LayerNormalization(axis=1),
        lambda: layers.AveragePooling2D(2),
    ],
)
def test_channels_first(inner: Any) -> None:
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        layer = inner()
        width = kg.oneof([4, 6, 8])
        model = kg.Sequential(
            [
                layers.Conv2D(width, kg.oneof([1, 3]), padding="same"),
                layer,
                layers.Flatten(),
                layers.Dense(3),
            ]
        )
        x = np.random.default_rng(0).normal(size=(2, 2, 6, 6)).astype("float32")
        try:
            model(x)
        except tf.errors.OpError as error:
            pytest.skip(f"not on this CPU: {type(error).__name__}")
        for dna in architectures(model, 4):
            model.decide(dna)
            assert close(model(x), model.child(dna)(x)) < 1e-5
    finally:
        keras.config.set_image_data_format(before)


@pytest.mark.slow
def test_memory_does_not_grow_over_a_thousand_steps() -> None:
    model, x = built(next(case for case in CASES if case.name == "Switch"))
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    y = np.zeros(model(x).shape, "float32")
    dnas = sharing_of(model).space.sample(1000, seed=0)

    def steps(some: Any) -> int:
        for dna in some:
            model.decide(dna)
            model.train_on_batch(x, y)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = steps(dnas[:200])
    assert steps(dnas[200:]) - before < 8 * 1024  # KiB
