"""Kernels made by learned matrices, as in Once-for-All."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_glove as kg
from keras_glove import DNA, layers
from keras_glove.errors import HyperValueError, NotShareableError
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.supernet import sharing_of

X = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")


def model_of(*sizes: Any) -> Any:
    size = kg.oneof(list(sizes), share="transform")
    model = kg.Sequential([layers.Conv2D(4, size, padding="same", use_bias=False)])
    model(X)
    return model


def test_at_first_it_is_the_centre() -> None:
    model = model_of(3, 5, 7)
    (conv,) = model.layers
    assert [tuple(m.shape) for m in conv.kernel_transform.matrices] == [(9, 9), (25, 25)]
    for index, gap in ((0, 2), (1, 1), (2, 0)):
        kernel = model.child(DNA((index,))).layers[0].kernel
        whole = conv.kernel.numpy()
        np.testing.assert_allclose(kernel, whole[gap : 7 - gap, gap : 7 - gap], atol=1e-6)


def reference(kernel: Any, to_five: Any, to_three: Any) -> Any:
    """Filters as the code of Once-for-All makes them, for PyTorch's order of axes."""
    filters = kernel.transpose(3, 2, 0, 1)
    for size, matrix in ((5, to_five), (3, to_three)):
        gap = (filters.shape[-1] - size) // 2
        inner = filters[:, :, gap : gap + size, gap : gap + size]
        flat = inner.reshape(*inner.shape[:2], -1) @ matrix.T
        filters = flat.reshape(*inner.shape)
    return filters.transpose(2, 3, 1, 0)


def test_matrices_follow_one_another_as_in_the_paper() -> None:
    model = model_of(3, 5, 7)
    (conv,) = model.layers
    rng = np.random.default_rng(1)
    to_three, to_five = conv.kernel_transform.matrices
    for matrix in (to_three, to_five):
        matrix.assign(rng.normal(size=matrix.shape))
    found = model.child(DNA((0,))).layers[0].kernel
    expected = reference(conv.kernel.numpy(), to_five.numpy(), to_three.numpy())
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_gradients_reach_the_matrices_on_the_way_and_no_others(index: int) -> None:
    model = model_of(3, 5, 7)
    model.decide(DNA((index,)))
    (conv,) = model.layers
    to_three, to_five = conv.kernel_transform.matrices
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(X) ** 2)
    kernel, three, five = tape.gradient(loss, [conv.kernel.value, to_three.value, to_five.value])
    assert np.abs(kernel).max() > 0
    assert (np.abs(three).max() > 0, np.abs(five).max() > 0) == (index < 1, index < 2)
    inner = np.abs(kernel).max(axis=(2, 3))
    assert (inner[0].max() > 0) == (index == 2)


def test_relaxed_sizes_mix_the_kernels() -> None:
    model = model_of(3, 5)
    (matrix,) = model.layers[0].kernel_transform.matrices
    matrix.assign(np.random.default_rng(1).normal(size=(9, 9)))
    each = []
    for dna in kg.SearchSpace(model):
        model.decide(dna)
        each.append(np.asarray(model(X)))
    relaxed = Decisions(np.zeros(1, "int32"), weights={0: np.array([0.3, 0.7], "float32")})
    with sharing_of(model).given(relaxed):
        np.testing.assert_allclose(model(X), 0.3 * each[0] + 0.7 * each[1], atol=1e-5)


def test_matrices_are_saved_and_a_child_has_none(tmp_path: Any) -> None:
    model = model_of((3, 3), (3, 5), (5, 5))
    for matrix in model.layers[0].kernel_transform.matrices:
        matrix.assign(np.random.default_rng(1).normal(size=matrix.shape))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for dna in kg.SearchSpace(model):
        child = model.child(dna)
        assert len(child.weights) == 1
        np.testing.assert_array_equal(child(X), loaded.child(dna)(X))


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: kg.oneof([1, 2], share="all"), HyperValueError, "'slice', 'none' or 'transform'"),
        (lambda: kg.intv(1, 2, share=True), HyperValueError, "share"),
        (
            lambda: kg.Sequential([layers.Dense(kg.oneof([2, 4], share="transform"))]),
            NotShareableError,
            "kernel size",
        ),
        (
            lambda: kg.Sequential([kg.oneof([layers.Dense(2), layers.Identity()], share="slice")]),
            NotShareableError,
            "weights of its own",
        ),
        (lambda: model_of((1, 3), (3, 1)), NotShareableError, "inside the next larger"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        make()
