"""What a search rewards."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from keras_glove.callbacks.qualities import named_quality
from keras_glove.errors import TrainingError

LABELS, SCORES = np.array([[0.0], [1], [1], [0]]), np.array([[0.1], [0.9], [0.2], [0.3]], "float32")
CLASSES = np.array([0, 1, 2, 1])
LOGITS = np.array([[3.0, 1, 2], [1, 3, 2], [3, 1, 2], [1, 3, 2]], "float32")


def symbol(array: Any) -> Any:
    return keras.KerasTensor((None, *array.shape[1:]), dtype=str(array.dtype))


def compiled(y: Any, predicted: Any, **arguments: Any) -> Any:
    model = keras.Sequential([keras.Input(predicted.shape[1:]), keras.layers.Identity()])
    model.compile("sgd", **{"loss": "mse", **arguments})
    model.test_on_batch(predicted, y)
    return model


def value(reward: Any, y: Any, predicted: Any, mode: Any = "auto", **arguments: Any) -> float:
    model = compiled(y, predicted, **arguments)
    quality = named_quality(reward, mode, model, symbol(y), symbol(predicted))
    return float(quality(y, predicted))


def mean_above_half(y: Any, predicted: Any) -> Any:
    return keras.ops.mean(predicted > 0.5)


@pytest.mark.parametrize(
    ("reward", "expected"),
    [
        ("accuracy", 0.75),
        ("acc", 0.75),
        ("mse", -0.1875),
        (keras.metrics.MeanSquaredError(), -0.1875),
        (keras.metrics.BinaryAccuracy(threshold=0.15), 0.75),
        (keras.metrics.Precision(), 1.0),
        (keras.losses.MeanSquaredError(), -0.1875),
        (keras.metrics.mean_squared_error, -0.1875),
        (mean_above_half, 0.25),
        ("loss", -0.1875),
    ],
)
def test_metrics_losses_and_functions(reward: Any, expected: float) -> None:
    assert value(reward, LABELS, SCORES) == pytest.approx(expected, abs=1e-6)


def test_the_mode_turns_a_metric() -> None:
    assert value(mean_above_half, LABELS, SCORES, "min") == -0.25


def test_accuracy_is_resolved_by_shapes() -> None:
    sparse = {"loss": keras.losses.SparseCategoricalCrossentropy(True)}
    assert value("accuracy", CLASSES, LOGITS, **sparse) == 0.75
    one_hot = np.eye(3, dtype="float32")[CLASSES]
    assert value("accuracy", one_hot, LOGITS) == 0.75


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"metrics": ["accuracy", "mse"]}, 0.75),
        ({"metrics": ["mse"]}, -0.1875),
        ({"weighted_metrics": [keras.metrics.BinaryAccuracy()]}, 0.75),
        ({}, -0.1875),
    ],
)
def test_the_default_is_the_first_metric_else_the_loss(arguments: Any, expected: float) -> None:
    assert value(None, LABELS, SCORES, **arguments) == pytest.approx(expected, abs=1e-6)


def test_sample_weights_count() -> None:
    model = compiled(LABELS, SCORES)
    quality = named_quality("accuracy", "auto", model, symbol(LABELS), symbol(SCORES))
    assert float(quality(LABELS, SCORES, np.array([1.0, 1, 0, 0]))) == 1.0


class TestSeveralOutputs:
    def setup_method(self) -> None:
        self.y = {"label": LABELS, "digit": CLASSES}
        self.predicted = {"label": SCORES, "digit": LOGITS}

    def quality(self, reward: Any, **arguments: Any) -> Any:
        a, b = keras.Input((1,)), keras.Input((3,))
        parts = {"label": keras.layers.Identity()(a), "digit": keras.layers.Identity()(b)}
        model = keras.Model([a, b], parts)
        losses = {"label": "mse", "digit": keras.losses.SparseCategoricalCrossentropy(True)}
        model.compile("sgd", losses, **arguments)
        model.test_on_batch([SCORES, LOGITS], self.y)
        self.model = model
        symbols = keras.tree.map_structure(symbol, (self.y, self.predicted))
        return named_quality(reward, "auto", model, *symbols)

    @pytest.mark.parametrize(
        ("reward", "expected"),
        [
            ({"label": "accuracy"}, 0.75),
            ({"label": "mse", "digit": "accuracy"}, (0.75 - 0.1875) / 2),
            (lambda y, predicted: keras.ops.sum(predicted["label"]), 1.5),
        ],
    )
    def test_a_mapping_is_the_mean(self, reward: Any, expected: float) -> None:
        assert float(self.quality(reward)(self.y, self.predicted)) == pytest.approx(expected)

    def test_the_default_is_the_mean_of_first_metrics(self) -> None:
        quality = self.quality(None, metrics={"digit": ["accuracy"], "label": ["accuracy", "mse"]})
        assert float(quality(self.y, self.predicted)) == 0.75

    def test_the_loss_is_that_of_keras_and_leaves_its_trackers_alone(self) -> None:
        quality = self.quality(None)
        before = self.model.get_metrics_result()
        found = -float(quality(self.y, self.predicted))
        assert self.model.get_metrics_result() == before
        expected = self.model.test_on_batch([SCORES, LOGITS], self.y, return_dict=True)["loss"]
        assert found == pytest.approx(float(expected), rel=1e-5)

    @pytest.mark.parametrize("reward", ["accuracy", {"other": "accuracy"}, {}])
    def test_what_names_no_output_is_refused(self, reward: Any) -> None:
        with pytest.raises(TrainingError, match="outputs"):
            self.quality(reward)


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ("accurracy", "metric or loss"),
        (keras.metrics.Mean(name="gain"), "more or less"),
        (3, "metric or loss"),
    ],
)
def test_what_is_no_reward(reward: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        value(reward, LABELS, SCORES)
