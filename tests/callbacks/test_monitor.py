"""The value that judges a training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from keras_glove.callbacks import Monitor
from keras_glove.errors import TrainingError

MODES = {
    "max": "accuracy val_accuracy val_acc sparse_categorical_accuracy top_k_categorical_accuracy "
    "val_top_5_accuracy val_auc auc_1 precision val_recall_2 f1_score val_f1 binary_io_u "
    "mean_io_u one_hot_mean_io_u true_positives val_true_negatives sensitivity_at_specificity "
    "cosine_similarity pearson_correlation r2_score fbeta_score val_dice head_accuracy Val_AUC",
    "min": "loss val_loss head_loss val_head_loss mse val_mae mape root_mean_squared_error "
    "mean_absolute_error val_crossentropy binary_crossentropy kl_divergence poisson logcosh hinge "
    "squared_hinge false_positives val_false_negatives perplexity accuracy_loss val_rmse_1",
}


@pytest.mark.parametrize(
    ("name", "mode"), [(name, mode) for mode, names in MODES.items() for name in names.split()]
)
def test_mode_is_told_from_the_name(name: str, mode: str) -> None:
    assert Monitor(name).mode == mode
    other: Any = "min" if mode == "max" else "max"
    assert Monitor(name, other).mode == other


@pytest.mark.parametrize("name", ["val_thing", "flossy", "learning_rate", "x", "placebo", "mapped"])
def test_names_that_do_not_tell_need_a_mode(name: str) -> None:
    with pytest.raises(TrainingError, match=f"more or less of '{name}' is better"):
        Monitor(name)
    assert Monitor(name, "max").reward({name: 1.5}) == 1.5


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array(0.5), np.array([0.5])[0]])
def test_reward_is_a_float_that_is_better_when_higher(value: Any) -> None:
    for mode, sign in (("max", 1), ("min", -1)):
        reward = Monitor("val_x", mode).reward({"val_x": value, "x": 3.0})
        assert type(reward) is float
        assert reward == sign * 0.5


def test_nan_stays_nan() -> None:
    assert math.isnan(Monitor("loss").reward({"loss": math.nan}) or 0.0)


def test_epochs_without_any_validation_have_no_reward() -> None:
    assert Monitor("val_loss").reward({"loss": 1.0}) is None
    with pytest.raises(TrainingError, match=r"monitored 'val_loss'; it reports \['val_mse'\]"):
        Monitor("val_loss").reward({"val_mse": 1.0})
    with pytest.raises(TrainingError, match="monitored 'loss'"):
        Monitor("loss").reward({})


@pytest.mark.parametrize("value", [[0.5, 0.5], "high", None])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(TrainingError, match="'val_f1' to be one number, received"):
        Monitor("val_f1").reward({"val_f1": value})


@pytest.mark.parametrize("name", ["", None, 3])
def test_names_are_checked(name: Any) -> None:
    with pytest.raises(TrainingError, match="name of a metric"):
        Monitor(name)
