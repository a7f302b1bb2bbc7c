"""Keras models of cells."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_glove.benchmarks.nasbench101 import Cell, Network, count_parameters, enumerate_cells
from keras_glove.benchmarks.nasbench101.model import build_model
from keras_glove.errors import OutOfDomainError
from tests.nasbench101 import reference

SMALL = Network(stem_channels=8, cells_per_stack=1, image_channels=1)


def _trainable(model: Any) -> int:
    return sum(math.prod(weight.shape) for weight in model.trainable_variables)


@pytest.mark.slow
def test_the_cell_of_the_official_readme() -> None:
    model = build_model(Cell(reference.INCEPTION, reference.INCEPTION_OPERATIONS))
    assert _trainable(model) == reference.INCEPTION_PARAMETERS
    assert model.output_shape == (None, 10)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("MaxPooling2D") == 2 + 9
    assert kinds.count("BatchNormalization") == kinds.count("Conv2D") == 1 + 9 * (4 + 4)


@pytest.mark.parametrize("index", [0, 1, 7, 2531, 64_000, 200_000, 423_623])
def test_parameters_are_those_that_are_counted(index: int) -> None:
    cell = enumerate_cells()[index]
    assert _trainable(build_model(cell, SMALL, image_size=(8, 8))) == count_parameters(cell, SMALL)


# Keras saves TensorFlow's variables in a way that NumPy 2 warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_channels_are_cut_where_there_is_one_too_many(tmp_path: Path) -> None:
    # 8 channels shared by three: 3, 3, 2; an edge leads from the first to the last.
    matrix = [
        [0, 1, 1, 0, 0],
        [0, 0, 0, 1, 1],
        [0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0],
    ]
    cell = Cell(matrix, ["input", "conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3", "output"])
    model = build_model(cell, SMALL, image_size=(None, None))
    images = np.random.default_rng(0).random((2, 8, 8, 1), dtype=np.float32)
    before = model.predict(images, verbose=0)
    model.save(tmp_path / "cell.keras")
    after = keras.models.load_model(tmp_path / "cell.keras").predict(images, verbose=0)
    np.testing.assert_allclose(before, after, atol=1e-6)


def test_a_cell_that_is_not_valid() -> None:
    with pytest.raises(OutOfDomainError, match="not connected"):
        build_model(Cell([[0, 0], [0, 0]], ["input", "output"]))


@pytest.mark.slow
def test_a_cell_learns_the_digits() -> None:
    from keras_glove.benchmarks.nasbench101.training import digits_data

    data = digits_data()
    cell = enumerate_cells(4)[60]
    keras.utils.set_random_seed(0)
    model = build_model(cell, SMALL, image_size=(8, 8), norm_momentum=0.7)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    model.fit(*data.train, batch_size=50, epochs=8, verbose=0)
    assert model.evaluate(*data.validation, verbose=0, return_dict=True)["accuracy"] > 0.7
