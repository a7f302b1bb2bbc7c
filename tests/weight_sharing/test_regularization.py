"""Regularizers see what is in use alone."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_glove as kg
from keras_glove import layers
from keras_glove.errors import NotShareableError
from keras_glove.weight_sharing.supernet import sharing_of

X = np.random.default_rng(0).normal(size=(4, 8, 8, 2)).astype("float32")
L2 = keras.regularizers.L2(0.1)
L1 = keras.regularizers.L1(0.1)


def net(width: Any = None, share: Any = None) -> Any:
    width = kg.oneof([4, 8]) if width is None else width
    kernel = kg.oneof([3, 5], share=share)
    model = kg.Sequential(
        [
            layers.Conv2D(
                width, kernel, padding="same", kernel_regularizer=L2, bias_regularizer=L1
            ),
            layers.BatchNormalization(gamma_regularizer=L2),
            kg.oneof(
                [
                    layers.Conv2D(4, 3, padding="same", kernel_regularizer=L1),
                    layers.DepthwiseConv2D(3, padding="same", depthwise_regularizer=L2),
                ]
            ),
            layers.Flatten(),
            layers.Dense(2, kernel_regularizer=L2),
        ]
    )
    model(X)
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(1).normal(size=variable.shape))
    return model


@pytest.mark.parametrize("share", [None, "transform"])
def test_the_losses_are_those_of_the_child(share: Any) -> None:
    model = net(share=share)
    for dna in kg.SearchSpace(model):
        model.decide(dna)
        child = model.child(dna)
        np.testing.assert_allclose(sum(model.losses), sum(child.losses), rtol=1e-5)


def test_their_gradients_leave_the_inactive_alone_in_a_graph() -> None:
    model = net()
    (conv, _, switch, *_) = model.layers
    model.decide(kg.SearchSpace(model).first())
    watched = [conv.kernel, switch.branches[0].kernel, switch.branches[1].kernel]

    @tf.function
    def gradients() -> Any:
        with tf.GradientTape() as tape:
            loss = sum(model.losses)
        return tape.gradient(loss, [v.value for v in watched])

    kernel, chosen, other = (np.asarray(g) for g in gradients())
    used = np.zeros(kernel.shape, bool)
    used[1:4, 1:4, :, :4] = True
    assert (kernel[used] != 0).all() and not kernel[~used].any()
    assert chosen.any() and not other.any()


def test_training_adds_them() -> None:
    model = net()
    model.compile(keras.optimizers.SGD(0.0), "mse")
    dna = kg.SearchSpace(model).sample(1, seed=2)[0]
    model.decide(dna)
    child = model.child(dna)
    child.compile(keras.optimizers.SGD(0.0), "mse")
    y = np.zeros((4, 2), "float32")
    np.testing.assert_allclose(model.train_on_batch(X, y), child.train_on_batch(X, y), rtol=1e-4)


def test_a_regularizer_for_which_zeros_count_is_refused() -> None:
    model = kg.Sequential(
        [
            layers.Dense(
                kg.oneof([2, 4]), kernel_regularizer=keras.regularizers.OrthogonalRegularizer()
            )
        ]
    )
    model(np.ones((2, 4), "float32"))
    with pytest.raises(NotShareableError, match="zeros add nothing"):
        _ = model.losses


def test_accumulated_gradients_are_refused() -> None:
    model = kg.Sequential([layers.Dense(kg.oneof([2, 4]))])
    with pytest.raises(NotShareableError, match="gradient_accumulation_steps=2"):
        model.compile(keras.optimizers.SGD(gradient_accumulation_steps=2), "mse")
    assert sharing_of(model) is not None
