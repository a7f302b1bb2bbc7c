"""Without open values: training, evaluation and prediction are those of one replica."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_glove as kg
from keras_glove.algorithms import Random
from keras_glove.errors import StrategyError
from keras_glove.training import FitObjective

from .samples import Static, W, X, Y, loss, made, mirrored, scope, weights

CASES: dict[str, dict[str, Any]] = {
    "even": {"batch_size": 6, "examples": 24},
    "uneven parts": {"batch_size": 6},
    "a part is empty": {"batch_size": 8},
    "loop": {"batch_size": 6, "steps_per_execution": 4},
    "loop, unrolled, that ends early": {"batch_size": 8, "steps_per_execution": 50, "unroll": 3},
    "eager": {"batch_size": 6, "run_eagerly": True, "steps_per_execution": 2},
    "loss scale": {
        "batch_size": 8,
        "optimizer": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)),
    },
    "sum": {
        "batch_size": 6,
        "examples": 30,
        "loss": lambda: loss(reduction="sum"),
        "optimizer": lambda: keras.optimizers.SGD(0.01),
    },
    "averaged weights": {
        "batch_size": 8,
        "optimizer": lambda: keras.optimizers.AdamW(0.01, use_ema=True),
    },
}


@pytest.mark.parametrize("name", CASES)
def test_training_is_that_of_one_replica(name: str) -> None:
    case = dict(CASES[name])
    batch_size, examples = case.pop("batch_size"), case.pop("examples", len(X))
    unroll = case.pop("unroll", 1)
    found = []
    for strategy in (None, mirrored()):
        model = made(Static, strategy, **case)
        model.unrolled_steps_per_execution = unroll
        x, y, w = X[:examples], Y[:examples], W[:examples]
        options = {"batch_size": batch_size, "verbose": 0}
        history = model.fit(x, y, sample_weight=w, epochs=2, shuffle=False, **options).history
        scores = model.evaluate(x, y, sample_weight=w, return_dict=True, **options)
        found.append((history, scores, model.predict(x, **options), weights(model)))
    (one, one_scores, one_outputs, one_weights), (two, scores, outputs, two_weights) = found
    for key in one:
        np.testing.assert_allclose(two[key], one[key], atol=2e-6, err_msg=key)
    for key in one_scores:
        np.testing.assert_allclose(scores[key], one_scores[key], atol=2e-6, err_msg=key)
    np.testing.assert_allclose(outputs, one_outputs, atol=3e-6)
    for ours, theirs in zip(two_weights, one_weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=3e-6)


def test_logs_of_batches_are_those_of_one_replica() -> None:
    seen: list[list[dict[str, float]]] = []
    for strategy in (None, mirrored()):
        model = made(Static, strategy)
        seen.append([])
        keep = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: seen[-1].append(dict(logs))
        )
        model.fit(X, Y, batch_size=8, shuffle=False, verbose=0, callbacks=[keep])
    for one, two in zip(*seen, strict=True):
        assert one == pytest.approx(two, abs=1e-6)


def test_moving_statistics_are_the_same_on_every_replica_and_finite() -> None:
    model = made(lambda: Static(normalized=True), mirrored())
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    for state in (model.normalization.moving_mean, model.normalization.moving_variance):
        copies = [part.numpy() for part in mirrored_parts(state)]
        assert np.isfinite(copies[0]).all() and copies[0].any()
        for copy in copies[1:]:
            np.testing.assert_array_equal(copy, copies[0])
    assert np.isfinite(model.evaluate(X, Y, batch_size=8, verbose=0)).all()


def mirrored_parts(variable: Any) -> Any:
    return variable.value._values


def test_moving_statistics_are_the_mean_over_examples() -> None:
    model = made(lambda: Static(normalized=True), mirrored())
    hidden = model.hidden(X[:3]).numpy()
    means = hidden[:2].mean(axis=0), hidden[2:].mean(axis=0)
    model.fit(X[:3], Y[:3], batch_size=3, shuffle=False, verbose=0)
    expected = 0.5 * (2 * means[0] + means[1]) / 3
    np.testing.assert_allclose(model.normalization.moving_mean.numpy(), expected, atol=1e-6)


class Custom(Static):
    """With steps of its own, as Keras's guides write them."""

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            predicted = self(x, training=True)
            value = self.compute_loss(y=y, y_pred=predicted, sample_weight=weight)
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(value, variables), variables)
        for metric in self.metrics:
            if metric.name != "loss":
                metric.update_state(y, predicted)
        return {metric.name: metric.result() for metric in self.metrics if metric.name != "loss"}

    def test_step(self, data: Any) -> dict[str, Any]:
        x, *_ = keras.utils.unpack_x_y_sample_weight(data)
        return {"largest": tf.reduce_sum(self(x, training=False)) * 0 + 2.0}


def test_custom_steps() -> None:
    found = []
    for strategy in (None, mirrored()):
        model = made(Custom, strategy, steps_per_execution=3, weighted_metrics=None)
        model.fit(X, Y, sample_weight=W, batch_size=8, epochs=2, shuffle=False, verbose=0)
        assert model.evaluate(X, Y, verbose=0, return_dict=True) == {"largest": 2.0}
        found.append(weights(model))
    for one, two in zip(*found, strict=True):
        np.testing.assert_allclose(one, two, atol=3e-6)


def test_prediction_keeps_the_order() -> None:
    model = made(Static, mirrored(), steps_per_execution=3)
    np.testing.assert_allclose(model.predict(X, batch_size=8, verbose=0), model(X), atol=1e-6)


def test_train_on_batch() -> None:
    model = made(Static, mirrored())
    one = made(Static, None)
    found = [each.train_on_batch(X[:8], Y[:8], return_dict=True) for each in (model, one)]
    assert found[0] == pytest.approx(found[1], abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"jit_compile": True}, "jit_compile to be left alone on the [0-9] replicas"),
        (
            {"optimizer": lambda: keras.optimizers.SGD(gradient_accumulation_steps=2)},
            "without gradient_accumulation_steps on",
        ),
        (
            {"optimizer": lambda: keras.optimizers.SGD(use_ema=True, ema_overwrite_frequency=3)},
            "without ema_overwrite_frequency on",
        ),
    ],
)
def test_what_cannot_be_on_replicas_is_an_error(settings: Any, message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        made(Static, mirrored(), **settings)


def test_a_batch_too_small_for_the_replicas_is_an_error() -> None:
    model = made(Static, mirrored())
    with pytest.raises(StrategyError, match="batch_size of at least 2, received 1"):
        model.fit(X, Y, batch_size=1, verbose=0)


def perceptron(width: int) -> keras.Model:
    layers = [keras.layers.Dense(width, activation="tanh"), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((6,)), *layers])


def test_a_black_box_search_finds_the_same_on_replicas() -> None:
    data = X[:32], Y[:32]
    train = FitObjective(
        data,
        data,
        monitor="val_loss",
        epochs=2,
        seed=0,
        batch_size=8,
        compile={"optimizer": "sgd", "loss": loss()},
    )
    found = []
    for strategy in (None, mirrored()):
        with scope(strategy):
            study = kg.search(
                kg.program(perceptron, kg.intv(2, 9)), train, Random(), 2, seed=0, progress=False
            )
        assert [trial.error for trial in study.trials] == [None, None]
        found.append([trial.reward for trial in study.trials])
    assert found[0] == pytest.approx(found[1], abs=1e-5)
