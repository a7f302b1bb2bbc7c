"""The supernet over all cells computes what the models of cells do, and trains their parts only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove.benchmarks.nasbench101 import Cell, Network, count_parameters, enumerate_cells
from keras_glove.benchmarks.nasbench101.limits import CONV1X1, CONV3X3, INPUT, MAXPOOL3X3, OUTPUT
from keras_glove.benchmarks.nasbench101.model import build_model
from keras_glove.benchmarks.nasbench101.one_shot import cell_supernet
from keras_glove.benchmarks.nasbench101.space import Encoding, cell_space
from keras_glove.errors import CellError, NotShareableError, OutOfDomainError
from keras_glove.hyper import DNA
from keras_glove.weight_sharing import Decisions
from keras_glove.weight_sharing.supernet import sharing_of

NETWORK = Network(stem_channels=7, num_stacks=2, cells_per_stack=1, image_channels=1)
X = np.random.default_rng(0).normal(size=(8, 6, 6, 1)).astype("float32")
Y = np.arange(8) % 10
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

ALL_JOINED = Cell(
    [[0, 1, 1, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]],
    [INPUT, CONV3X3, CONV1X1, MAXPOOL3X3, OUTPUT],
)
CHAIN = Cell(
    [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]],
    [INPUT, CONV3X3, CONV3X3, MAXPOOL3X3, OUTPUT],
)
SKIP_ALONE = Cell([[0, 1], [0, 0]], [INPUT, OUTPUT])


@pytest.fixture(scope="module")
def model() -> Any:
    made = cell_supernet(5, NETWORK, image_size=(6, 6), norm_momentum=0.7)
    rng = np.random.default_rng(1)
    for weight in made.weights:
        if weight.dtype == "float32" and weight.ndim == 1:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return made


def dna_of(cell: Cell) -> DNA:
    return Encoding(5).dna(cell)


def some_cells() -> list[Cell]:
    cells = enumerate_cells(5)
    chosen = np.random.default_rng(2).choice(len(cells), 8, replace=False)
    return [ALL_JOINED, CHAIN, SKIP_ALONE, *cells[chosen]]


def test_its_space_is_that_of_cells(model: Any) -> None:
    ours, theirs = kg.SearchSpace(model), kg.SearchSpace(cell_space(5))
    assert [(p.name, p.hints) for p in ours.points] == [(p.name, p.hints) for p in theirs.points]


@pytest.mark.parametrize("cell", some_cells(), ids=lambda cell: cell.hash[:6])
def test_it_computes_what_the_model_of_a_cell_does(model: Any, cell: Cell) -> None:
    dna = dna_of(cell)
    model.decide(dna)
    child = model.child(dna)
    plain = build_model(cell, NETWORK, image_size=(6, 6))
    assert [w.path for w in child.weights] == [w.path for w in plain.weights]
    assert sum(int(np.prod(w.shape)) for w in child.trainable_weights) == count_parameters(
        cell, NETWORK
    )
    np.testing.assert_allclose(model(X), child(X), atol=1e-5)
    before = [w.numpy() for w in model.weights]
    np.testing.assert_allclose(model(X, training=True), child(X, training=True), atol=1e-5)
    for ours, theirs in zip(model.child(dna).weights, child.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)  # moving statistics as well
    for weight, value in zip(model.weights, before, strict=True):
        weight.assign(value)


def test_vertices_that_are_pruned_change_nothing(model: Any) -> None:
    """The same cell with its vertices elsewhere, and others that lead nowhere."""
    cell = Cell(
        [[0, 1, 0, 0, 1], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]],
        [INPUT, CONV3X3, CONV3X3, CONV3X3, OUTPUT],
    )
    dna = DNA((1, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0))
    model.decide(dna)
    np.testing.assert_allclose(model(X), model.child(dna)(X), atol=1e-5)
    assert cell.num_vertices == model.child(dna).name.count("nasbench101") + 1
    vertex3 = DNA((0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0))
    model.decide(vertex3)
    child = model.child(vertex3)
    assert "stack0_cell0_vertex3_3x3_conv" in [layer.name for layer in child.layers]
    np.testing.assert_allclose(model(X), child(X), atol=1e-5)


@pytest.mark.slow
def test_a_step_trains_what_the_cell_has_and_nothing_else() -> None:
    model = cell_supernet(5, NETWORK, image_size=(6, 6))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.01), LOSS)
    for cell in (ALL_JOINED, CHAIN):  # after the first step momentum would move its weights
        dna = dna_of(cell)
        model.decide(dna)
        before = {w.path: w.numpy().copy() for w in model.weights}
        weights_before = [w.numpy() for w in model.child(dna).trainable_weights]
        model.fit(X, Y, batch_size=8, epochs=1, verbose=0)
        after = model.child(dna)
        changed = [
            not np.array_equal(w, old)
            for w, old in zip(after.trainable_weights, weights_before, strict=True)
        ]
        assert all(changed)
        moved = sum(int((w.numpy() != before[w.path]).sum()) for w in model.trainable_weights)
        assert moved <= count_parameters(cell, NETWORK)
    assert model.fit(X, Y, epochs=1, verbose=0).history["loss"][0] < 20


@pytest.mark.slow
def test_a_step_does_to_a_cell_what_it_does_to_its_model() -> None:
    model = cell_supernet(5, NETWORK, image_size=(6, 6))
    dna = dna_of(ALL_JOINED)
    model.decide(dna)
    child = model.child(dna)
    for each in (model, child):
        each.compile(keras.optimizers.SGD(0.1, momentum=0.9), LOSS)
        each.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    for ours, theirs in zip(model.child(dna).weights, child.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_cells_are_scored(model: Any) -> None:
    model.compile(keras.optimizers.SGD(0.1), LOSS, metrics=["accuracy"])
    dnas = [dna_of(ALL_JOINED), dna_of(CHAIN)]
    scores = model.evaluate_dna(dnas, (X, Y), recalibrate=1)
    assert len(scores) == 2 and scores[0]["loss"] != scores[1]["loss"]
    plain = model.evaluate_dna(dnas[:1], (X, Y))[0]["loss"]
    child = model.child(dnas[0])
    assert plain == pytest.approx(float(LOSS(Y, child(X))), abs=1e-5)


def test_it_is_saved_and_loaded(model: Any, tmp_path: Path) -> None:
    model.decide(dna_of(CHAIN))
    model.save(tmp_path / "supernet.keras")
    loaded = keras.saving.load_model(tmp_path / "supernet.keras")
    np.testing.assert_allclose(loaded(X), model(X), atol=1e-6)
    np.testing.assert_allclose(
        loaded.child(dna_of(ALL_JOINED))(X), model.child(dna_of(ALL_JOINED))(X)
    )


def test_what_is_no_cell_has_no_child(model: Any) -> None:
    nothing = DNA((0,) * 13)
    model.decide(nothing)
    assert np.isfinite(model(X)).all()
    with pytest.raises(OutOfDomainError, match="not connected"):
        model.child(nothing)


def test_distributions_and_narrow_networks_are_refused(model: Any) -> None:
    relaxed = Decisions(np.zeros(13, "int32"), weights={0: np.array([0.5, 0.5], "float32")})
    with sharing_of(model).given(relaxed), pytest.raises(NotShareableError, match="distributions"):
        model(X)
    with pytest.raises(CellError, match="at least 3 channels"):
        cell_supernet(5, Network(stem_channels=2))
