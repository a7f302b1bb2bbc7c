"""The epochs of a training as the steps of a trial."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from keras_glove.callbacks import ReportToTrial
from keras_glove.errors import TrainingError, TrialPruned
from tests.training.samples import DATA, Curve, FakeTrial, Noted, X, Y, net


def fit(*callbacks: keras.callbacks.Callback, **settings: Any) -> keras.callbacks.History:
    model = net()
    model.compile("sgd", "mse", run_eagerly=True)
    return model.fit(X, Y, **{"epochs": 4, "verbose": 0, "callbacks": list(callbacks), **settings})


def test_each_epoch_is_reported() -> None:
    trial = FakeTrial()
    history = fit(ReportToTrial(trial, "val_loss"), validation_data=DATA).history
    assert trial.reports == [(epoch, -value) for epoch, value in enumerate(history["val_loss"])]


def test_epochs_without_the_value_are_left_out() -> None:
    trial = FakeTrial()
    fit(ReportToTrial(trial, "val_loss"), validation_data=DATA, validation_freq=2)
    assert [step for step, _ in trial.reports] == [1, 3]


def test_pruned_after_an_epoch_when_the_others_have_closed() -> None:
    notes: list[Any] = []
    trial = FakeTrial(prune_at=1)
    curve = Curve(score=[0.1, 0.25, 0.5, 1.0])
    with pytest.raises(TrialPruned, match=r"^pruned after epoch 1 with score=0.25$"):
        fit(curve, Noted(notes), ReportToTrial(trial, "score"))
    assert trial.reports == [(0, 0.1), (1, 0.25)]
    assert notes[-1] == "end"


def test_used_again_it_does_not_remember_the_last_training() -> None:
    trial = FakeTrial(prune_at=0)
    report = ReportToTrial(trial, "loss")
    with pytest.raises(TrialPruned):
        fit(report)
    trial.prune_at = None
    fit(report)
    assert len(trial.reports) == 1 + 4


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(TrainingError, match="mode"):
        ReportToTrial(FakeTrial(), "thing")
    with pytest.raises(TrainingError, match=r"'val_accuracy'; it reports \['loss', 'val_loss'\]"):
        fit(ReportToTrial(FakeTrial()), validation_data=DATA)
