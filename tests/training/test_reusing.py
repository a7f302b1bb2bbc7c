"""Trials that are trained in one supernet come out as those of children on their own."""

from __future__ import annotations

import gc
import logging
import pickle
import weakref
from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove import layers
from keras_glove.algorithms import Random
from keras_glove.errors import NotShareableError, TrainingError
from keras_glove.search import Study, search
from keras_glove.training import FitObjective

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 4, 4, 2)).astype("float32")
Y = RANDOM.integers(0, 3, size=40)


class Net(kg.Model):
    """Open in width, kernel, branch and depth; with statistics and states."""

    def __init__(self, width: Any, kernel: Any, block: Any, depth: Any = 1) -> None:
        super().__init__()
        self.stem = layers.Conv2D(width, kernel, padding="same")
        self.norm = layers.BatchNormalization(momentum=0.5)
        self.blocks = layers.Repeat(block, depth)
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(3)

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = keras.ops.relu(self.norm(self.stem(x), training=training))
        return self.head(self.pool(self.blocks(x)))


def space(dropout: bool = False) -> Any:
    width = kg.oneof([2, 4], name="width")
    choices: list[Any] = [layers.Conv2D(width, 1), layers.MaxPooling2D(3, 1, padding="same")]
    if dropout:
        choices.append(layers.Dropout(0.5))
    kernel, op = kg.oneof([1, 3], name="kernel"), kg.oneof(choices, name="op")
    return kg.program(Net, width, kernel, op, kg.intv(1, 2, name="depth"))


class Fixed(kg.Model):
    """Of one width, so that its dropout draws what that of a child draws."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.head(self.pool(self.block(x)))


def fixed() -> Any:
    return kg.program(Fixed, kg.oneof([layers.Dropout(0.5), layers.Dense(2)], name="op"))


def objective(reuse: Any = True, **settings: Any) -> FitObjective:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    compile = {"optimizer": keras.optimizers.Adam(0.01), "loss": loss, "metrics": ["accuracy"]}
    defaults = {"epochs": 2, "batch_size": 16, "monitor": "val_loss", "compile": compile}
    return FitObjective(
        (X, Y), validation_data=(X, Y), reuse_graph=reuse, **{**defaults, **settings}
    )


class Kept:
    """An objective that keeps the weights of each child."""

    def __init__(self, inner: FitObjective) -> None:
        self.inner = inner
        self.weights: list[list[Any]] = []

    def __call__(self, child: Any, trial: Any) -> Any:
        result = self.inner(child, trial=trial)
        model = child["model"] if isinstance(child, dict) else child
        self.weights.append(model.get_weights())
        return result


def searched(program: Any, train: Any, trials: int = 4) -> Study:
    study = search(program, train, Random(), trials, seed=1, progress=False)
    assert [trial.error for trial in study.trials] == [None] * trials
    return study


def with_rates() -> Any:
    rate = kg.floatv(0.001, 0.1, scale="log", name="rate")
    optimizer = kg.optimizers.SGD(rate, momentum=0.9)
    return {"model": space(), "optimizer": optimizer, "batch_size": kg.oneof([16, 20])}


@pytest.mark.slow
@pytest.mark.parametrize("program", [space, fixed, with_rates], ids=lambda made: made.__name__)
def test_losses_and_weights_are_those_of_children_on_their_own(program: Any) -> None:
    shared, own = Kept(objective(True)), Kept(objective(False))
    together, alone = searched(program(), shared), searched(program(), own)
    for one, other in zip(together.trials, alone.trials, strict=True):
        assert one.dna == other.dna
        np.testing.assert_allclose(one.reward, other.reward, rtol=1e-3, atol=1e-4)
        assert one.metrics["parameters"] == other.metrics["parameters"]
    for found, expected in zip(shared.weights, own.weights, strict=True):
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-2, atol=2e-3)


@pytest.mark.slow
def test_nothing_is_traced_or_kept_after_the_first_trial(monkeypatch: Any) -> None:
    train, alive, traces, after = objective(True), [], [], []
    step = Net.train_step

    def counted(model: Any, data: Any) -> Any:  # runs when it is traced
        traces.append(type(model))
        return step(model, data)

    def noted(child: Any, trial: Any) -> Any:
        alive.append(weakref.ref(child))
        result = train(child, trial=trial)
        after.append(len(traces))
        return result

    monkeypatch.setattr(Net, "train_step", counted)
    searched(space(), noted, 5)
    gc.collect()
    assert after[0] > 0
    assert set(after) == {after[0]}
    assert [ref() for ref in alive] == [None] * 5


@pytest.mark.slow
def test_a_child_that_diverged_leaves_nothing_behind() -> None:
    class Diverging(FitObjective):
        def __call__(self, child: Any, trial: Any = None) -> Any:
            result = super().__call__(child, trial)
            for variable in self._reuse._stand_in.model.variables:  # type: ignore[union-attr]
                if variable.dtype == "float32" and "numbers" not in variable.path:
                    variable.assign(variable * float("nan"))
            return result

    settings = {"compile": {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy"}}
    data = {"train": (X, Y), "validation_data": (X, Y), "monitor": "val_loss"}
    train = Diverging(reuse_graph=True, **data, **settings)
    assert all(np.isfinite(trial.reward) for trial in searched(space(), train, 3).trials)


def looped(depth: int) -> keras.Model:
    return keras.Sequential(
        [keras.layers.Flatten(), *(keras.layers.Dense(3) for _ in range(depth))]
    )


REFUSED = {
    "python": (kg.program(looped, kg.intv(1, 2)), {}, "range"),
    "compile": (space(), {"compile": lambda m: m.compile("sgd", "mse")}, "mapping"),
    "optimizer": (
        space(),
        {"compile": {"optimizer": keras.optimizers.Lamb(), "loss": "mse"}},
        "Lamb",
    ),
    "checkpoint": (
        space(),
        {"callbacks": lambda trial: [keras.callbacks.ModelCheckpoint("x.keras")]},
        "ModelCheckpoint",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_shared_is_refused_before_training(case: str) -> None:
    program, settings, word = REFUSED[case]
    study = Study(seed=0)
    with pytest.raises(Exception, match="each of the first 5 trials failed"):
        search(program, objective(True, **settings), Random(), 5, study=study, progress=False)
    for trial in study.trials:
        assert str(trial.error).startswith(NotShareableError.__name__)
        assert word in str(trial.error)


def test_auto_trains_children_on_their_own_and_says_so_once(caplog: Any) -> None:
    loss = {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", "run_eagerly": True}
    with caplog.at_level(logging.WARNING, "keras_glove"):
        searched(kg.program(looped, kg.intv(1, 2)), objective("auto", compile=loss), 3)
    said = [record.message for record in caplog.records if "graphs of their own" in record.message]
    assert len(said) == 1


@pytest.mark.slow
def test_auto_leaves_noise_of_another_shape_alone(caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, "keras_glove"):
        searched(space(dropout=True), objective("auto", epochs=1), 1)
    assert "noise has another shape" in caplog.text


def test_a_used_objective_is_sent_without_its_graphs() -> None:
    train = objective("auto")
    train._reuse._stand_in = object()  # type: ignore[assignment]
    assert pickle.loads(pickle.dumps(train._reuse))._stand_in is None


def test_other_modes_are_refused() -> None:
    with pytest.raises(TrainingError, match="'always'"):
        objective("always")
