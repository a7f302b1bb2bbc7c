"""Supernets are saved, loaded and copied; their children stay the same."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove import layers
from keras_glove.errors import NotShareableError
from keras_glove.weight_sharing.models import supernet

X = np.random.default_rng(0).normal(size=(2, 6, 6, 2)).astype("float32")


@keras.saving.register_keras_serializable("test_saving")
class Net(kg.Model):
    """A width, a kernel made by a matrix, and a choice."""

    def __init__(self, width: Any, kernel: Any, op: Any) -> None:
        super().__init__()
        self.stem = layers.Conv2D(width, kernel, padding="same")
        self.op = op
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(3)

    def call(self, x: Any, training: Any = None) -> Any:
        return self.head(self.pool(self.op(self.stem(x))))


def parts() -> dict[str, Any]:
    width = kg.oneof([4, 8], name="width")
    op = kg.oneof([layers.Conv2D(width, 3, padding="same"), layers.BatchNormalization()], name="op")
    return {"width": width, "kernel": kg.oneof([3, 5], share="transform", name="kernel"), "op": op}


def functional(width: Any, kernel: Any, op: Any) -> Any:
    x = keras.Input((6, 6, 2))
    y = layers.Conv2D(width, kernel, padding="same")(x)
    return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling2D()(op(y))))


def sequential(width: Any, kernel: Any, op: Any) -> Any:
    stem = layers.Conv2D(width, kernel, padding="same")
    return kg.Sequential([stem, op, layers.GlobalAveragePooling2D(), layers.Dense(3)])


KINDS: dict[str, Callable[[], Any]] = {
    "subclassed": lambda: Net(**parts()),
    "functional": lambda: supernet(kg.symbolize(functional), **parts()),
    "sequential": lambda: sequential(**parts()),
}


def made(kind: str) -> Any:
    model = KINDS[kind]()
    model(X)
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return model


def through_file(model: Any, folder: Path) -> Any:
    model.save(folder / "model.keras")
    return keras.models.load_model(folder / "model.keras")


def through_weights(model: Any, folder: Path) -> Any:
    model.save_weights(folder / "model.weights.h5")
    other = type(model).from_config(model.get_config())
    other(X)
    other.load_weights(folder / "model.weights.h5")
    return other


WAYS: dict[str, Callable[[Any, Path], Any]] = {
    "file": through_file,
    "weights": through_weights,
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "deepcopy": lambda model, folder: copy.deepcopy(model),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_has_the_same_children(kind: str, way: str, tmp_path: Path) -> None:
    model = made(kind)
    other = WAYS[way](model, tmp_path)
    assert type(other) is type(model) and other is not model
    assert kg.SearchSpace(other) == kg.SearchSpace(model)
    for dna in kg.SearchSpace(model):
        other.decide(dna)
        expected = model.child(dna)(X)
        np.testing.assert_allclose(other.child(dna)(X), expected, rtol=1e-6)
        np.testing.assert_allclose(other(X), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_clone_is_a_supernet_without_its_weights_or_refused(kind: str) -> None:
    model = made(kind)
    if kind == "subclassed":
        assert kg.SearchSpace(keras.models.clone_model(model)) == kg.SearchSpace(model)
        return
    with pytest.raises(NotShareableError, match="deepcopy"):
        keras.models.clone_model(model)


CODE = """
import sys
import keras, numpy as np
import keras_glove as kg
from tests.weight_sharing import test_saving
model = keras.models.load_model(sys.argv[1])
found = [np.asarray(model.child(dna)(test_saving.X)) for dna in kg.SearchSpace(model)]
np.save(sys.argv[2], np.stack(found))
"""


@pytest.mark.slow
def test_a_child_of_a_loaded_supernet_in_another_process_is_the_same(tmp_path: Path) -> None:
    model = made("subclassed")
    model.save(tmp_path / "model.keras")
    files = [str(tmp_path / "model.keras"), str(tmp_path / "found.npy")]
    subprocess.run([sys.executable, "-c", CODE, *files], check=True, capture_output=True)
    expected = np.stack([np.asarray(model.child(dna)(X)) for dna in kg.SearchSpace(model)])
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), expected)
