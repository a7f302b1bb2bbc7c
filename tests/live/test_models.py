"""Ordinary Keras life of models made by symbolic constructors, and of those from a space."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_glove as kg
from keras_glove.hyper import Template
from keras_glove.symbolic import Program
from tests.live import graphviz
from tests.live.architectures import CLASSES, FEATURES, KINDS, X, Y, child_of

kinds = pytest.mark.parametrize("kind", KINDS)
both = pytest.mark.parametrize("by", ["constructors", "space"])


def outputs(model: Any) -> Any:
    return np.asarray(model(X, training=False))


def assert_same(model: Any, other: Any) -> None:
    assert type(other) is type(model)
    np.testing.assert_allclose(outputs(model), outputs(other), rtol=1e-6, atol=1e-6)


@kinds
@both
def test_classes_are_those_of_keras_or_the_users(kind: str, by: str) -> None:
    model = child_of(kind, by)
    assert isinstance(model, keras.Model)
    assert not isinstance(model, Program)
    modules = {type(layer).__module__.split(".")[0] for layer in model._flatten_layers()}
    assert modules <= {"keras", "tests"}
    assert outputs(model).shape == (len(X), CLASSES)


@kinds
def test_space_has_one_decision_and_children_differ(kind: str) -> None:
    template = Template(KINDS[kind](kg.oneof([4, 5], name="width")))
    assert template.space.size == 2
    first, second = (kg.build(template.materialize(dna)) for dna in template.space)
    first(X), second(X)
    assert {w.shape[-1] for w in first.weights} != {w.shape[-1] for w in second.weights}
    shared = {id(layer) for layer in first._flatten_layers()}
    assert not shared & {id(layer) for layer in second._flatten_layers()}


@kinds
@both
def test_file_and_weights_file(kind: str, by: str, tmp_path: Path) -> None:
    model = child_of(kind, by)
    model.save(tmp_path / "model.keras")
    assert_same(model, keras.models.load_model(tmp_path / "model.keras"))
    model.save_weights(tmp_path / "model.weights.h5")
    other = child_of(kind, by)
    other.load_weights(tmp_path / "model.weights.h5")
    assert_same(model, other)


@kinds
@both
def test_pickle_and_deepcopy(kind: str, by: str) -> None:
    model = child_of(kind, by)
    assert_same(model, pickle.loads(pickle.dumps(model)))
    assert_same(model, copy.deepcopy(model))


@kinds
@both
def test_config(kind: str, by: str) -> None:
    model = child_of(kind, by)
    again = type(model).from_config(model.get_config())
    again(X)
    again.set_weights(model.get_weights())
    assert_same(model, again)


@kinds
@both
def test_clone_model(kind: str, by: str) -> None:
    model = child_of(kind, by)
    again = keras.models.clone_model(model)
    again(X)
    again.set_weights(model.get_weights())
    assert_same(model, again)


@kinds
@both
def test_checkpoint(kind: str, by: str, tmp_path: Path) -> None:
    model = child_of(kind, by)
    path = tf.train.Checkpoint(model=model).save(str(tmp_path / "checkpoint"))
    other = child_of(kind, by)
    tf.train.Checkpoint(model=other).restore(path).assert_existing_objects_matched()
    assert_same(model, other)


@kinds
def test_summary(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    model = child_of(kind, "constructors")
    model.summary()
    assert "Total params" in capsys.readouterr().out


@kinds
@both
def test_plot_as_text(kind: str, by: str) -> None:
    model = child_of(kind, by)
    text = keras.utils.model_to_dot(model, show_shapes=True).to_string()
    assert text.startswith("digraph")
    shown = model.layers if kind != "subclassed" else [model]  # which has no graph to show
    assert all(type(layer).__name__ in text for layer in shown)


@pytest.fixture(scope="session")
def graphviz_program() -> None:
    if not graphviz.available():
        pytest.skip(graphviz.MISSING)


@pytest.mark.usefixtures("graphviz_program")
@kinds
@both
def test_plot_model(kind: str, by: str, tmp_path: Path) -> None:
    file = tmp_path / "model.png"
    keras.utils.plot_model(child_of(kind, by), file, show_shapes=True, expand_nested=True)
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@kinds
@both
def test_fit_evaluate_export_and_restore(kind: str, by: str, tmp_path: Path) -> None:
    model = child_of(kind, by)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="loss")
    weights = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.weights.h5", monitor="loss", save_weights_only=True
    )
    before = outputs(model)
    model.fit(X, Y, batch_size=4, epochs=1, verbose=0, callbacks=[best, weights])
    assert not np.allclose(before, outputs(model))
    restored = keras.models.load_model(tmp_path / "best.keras")
    assert_same(model, restored)
    np.testing.assert_allclose(
        model.evaluate(X, Y, verbose=0), restored.evaluate(X, Y, verbose=0), rtol=1e-5
    )
    other = child_of(kind, by)
    other.load_weights(tmp_path / "best.weights.h5")
    assert_same(model, other)
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(exported.serve(X), outputs(model), rtol=1e-5, atol=1e-6)


def test_frozen_layers_stay_frozen() -> None:
    model = child_of("functional", "constructors")
    model.layers[1].trainable = False
    child = kg.build(kg.program(model))
    assert len(child.trainable_weights) == len(model.trainable_weights)


def test_input_features_are_known() -> None:
    assert child_of("functional", "space").input_shape == (None, FEATURES)
