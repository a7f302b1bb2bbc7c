"""Searches that train: seeds, failures, pruning, models and optimizers together."""

from __future__ import annotations

import pickle
import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_glove import optimizers
from keras_glove.algorithms import Random
from keras_glove.errors import SearchError
from keras_glove.hyper import floatv, intv, oneof
from keras_glove.search import MedianPruner, Study, sample, search
from keras_glove.symbolic import build, program, symbolize
from keras_glove.training import FitObjective
from tests.training.samples import DATA, Noted, X, Y, net, objective


@symbolize
def child(width: int) -> keras.Model:
    """Built at once, or with its first batch."""
    if width % 2:
        return net(width)
    return keras.Sequential([keras.layers.Dense(width), keras.layers.Dense(1)])


def searched(
    space: Any, train: FitObjective, num_trials: int = 4, algorithm: Any = None, **settings: Any
) -> Study:
    settings = {"seed": 0, "progress": False, **settings}
    return search(space, train, algorithm or Random(), num_trials, **settings)


def rewards(study: Study) -> list[Any]:
    assert [trial.error for trial in study.trials] == [None] * len(study.trials)
    return [trial.reward for trial in study.trials]


def test_same_seed_same_search_however_it_is_cut() -> None:
    space, train = program(child, intv(1, 4)), objective(batch_size=8)
    first = rewards(searched(space, train))
    keras.utils.set_random_seed(99)
    study = Study(seed=0)
    searched(space, train, 2, study=study, seed=None)
    keras.utils.set_random_seed(98)
    assert rewards(searched(space, train, 4, study=study, seed=None)) == first
    assert rewards(searched(space, train, seed=1)) != first


def test_a_loop_of_the_users_own_finds_the_same() -> None:
    space, train = program(child, intv(1, 4)), objective(batch_size=8)
    samples = sample(space, Random(), 3, seed=0)
    for model, feedback in samples:
        feedback(train(model, trial=feedback.trial))
    assert rewards(samples.study) == rewards(searched(space, train, 3))


def test_models_and_optimizers_are_searched_together() -> None:
    space = {
        "model": program(child, oneof([1, 2])),
        "optimizer": oneof([optimizers.SGD(floatv(0.01, 0.1, scale="log")), optimizers.Adam(0.01)]),
        "batch_size": oneof([8, 16]),
    }
    used: list[tuple[str, float, int]] = []

    class Seen(keras.callbacks.Callback):
        def on_train_end(self, logs: Any = None) -> None:
            optimizer = self.model.optimizer
            rate, count = float(optimizer.learning_rate), int(optimizer.iterations)
            used.append((type(optimizer).__name__, rate, count))

    study = searched(space, objective(callbacks=lambda trial: [Seen()], epochs=1), 10)
    for trial, (kind, rate, count) in zip(study.trials, used, strict=True):
        chosen = build(study.program(trial))
        assert count == 32 // chosen["batch_size"]
        assert kind == type(chosen["optimizer"]).__name__
        assert rate == float(chosen["optimizer"].learning_rate)
    assert {kind for kind, *_ in used} == {"SGD", "Adam"}


def raising(kind: str) -> Any:
    def compile(model: keras.Model) -> None:
        rate = float("nan") if kind == "diverges" else 0.01
        model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=True)

    class Failing(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if kind == "raises":
                raise ZeroDivisionError("as a layer might")
            if kind == "memory":
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    return compile, [Failing()]


FAILURES = {
    "diverges": "DivergenceError: (val_)?loss is nan in epoch 0",
    "raises": "ZeroDivisionError: as a layer might",
    "memory": "ResourceExhaustedError: .*OOM when allocating",
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_training_that_fails_is_a_failed_trial_and_the_search_goes_on(kind: str) -> None:
    compile, failing = raising(kind)
    good = objective()

    class Sometimes(FitObjective):
        def __call__(self, child: Any, trial: Any = None) -> Any:
            return (super().__call__ if trial.number % 2 else good)(child, trial=trial)

    train = Sometimes(DATA, DATA, monitor="val_loss", compile=compile, callbacks=failing)
    study = searched(program(child, intv(1, 4)), train)
    assert [trial.state for trial in study.trials] == ["complete", "failed"] * 2
    for trial in study.trials[1::2]:
        assert trial.reward is None
        assert re.search(FAILURES[kind], trial.error or "")


def test_a_search_in_which_nothing_can_be_trained_stops() -> None:
    train = objective((X, Y), (X[:, :2], Y))  # validation data of another shape
    with pytest.raises(SearchError, match="each of the first 5 trials failed"):
        searched(program(child, oneof([1, 3])), train, 50)


def test_minimizing_stops_with_the_reason() -> None:
    with pytest.raises(SearchError, match="better when higher"):
        searched(program(child, intv(1, 4)), objective(), 9, direction="minimize")


def test_pruned_trials_train_for_fewer_epochs() -> None:
    notes: list[Any] = []
    rates = oneof([0.05, 1e-6])
    space = {"model": program(child, 3), "optimizer": optimizers.SGD(rates)}
    train = objective(epochs=4, callbacks=[Noted(notes)])
    study = searched(space, train, 12, pruner=MedianPruner(startup_trials=3, warmup_steps=1))
    states = [trial.state for trial in study.trials]
    assert set(states) == {"complete", "pruned"}
    pruned = [trial for trial in study.trials if trial.state == "pruned"]
    assert all(trial.decisions and len(trial.intermediate) in (2, 3) for trial in pruned)
    assert all("pruned after epoch" in trial.error for trial in pruned)
    epochs = len(notes) - notes.count("end")
    assert epochs == sum(len(trial.intermediate) for trial in study.trials) < 12 * 4
    assert notes.count("end") == 12


def test_what_a_trial_reports_is_kept_as_plain_data() -> None:
    study = searched(program(child, oneof([3, 5])), objective(), 1)
    trial = study.trials[0]
    assert trial.reward == -trial.metrics["val_loss"] == max(trial.intermediate.values())
    assert trial.metrics["parameters"] == study.program(trial).width * 5 + 1
    assert all(type(value) in (int, float) for value in trial.metrics.values())


def test_objectives_can_be_sent_to_other_processes() -> None:
    compile = {
        "optimizer": keras.optimizers.Adam(0.03),
        "loss": keras.losses.Huber(),
        "metrics": [keras.metrics.MeanSquaredError(name="error")],
    }
    stopping = keras.callbacks.EarlyStopping(patience=3)
    train = objective(compile=compile, callbacks=[stopping])
    sent = pickle.loads(pickle.dumps(train))
    first, second = net(), net()
    second.set_weights(first.get_weights())
    assert sent(first) == train(second)
    assert np.array_equal(first.get_weights()[0], second.get_weights()[0])
