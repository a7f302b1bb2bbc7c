"""Backups are whole or refused, and one is made when the process is told to end."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove import layers
from keras_glove.callbacks import Backup
from keras_glove.errors import TrainingError

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")


class Net(kg.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(4)

    def call(self, x: Any) -> Any:
        return self.dense(x)


def model() -> Any:
    keras.utils.set_random_seed(0)
    made = Net()
    made(X[:1])
    made.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    return made


def fit(made: Any, folder: Path, *others: Any) -> Any:
    callbacks = [Backup(folder), *others]
    return made.fit(X, X, batch_size=4, epochs=2, verbose=0, callbacks=callbacks)


class Terminate(keras.callbacks.Callback):
    """Tells its own process to end, as Cloud does before it takes a machine away."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch == 3:
            os.kill(os.getpid(), signal.SIGTERM)


def test_told_to_end_it_keeps_the_step_and_goes_on_from_there(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        fit(model(), tmp_path / "broken", Terminate())
    assert ended.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before
    resumed, whole = model(), model()
    fit(resumed, tmp_path / "broken")
    fit(whole, tmp_path / "whole")
    for one, other in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_damaged_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(TrainingError, match="damaged"):
        fit(model(), tmp_path)


def test_outside_of_the_main_thread_signals_are_left_alone(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            fit(model(), tmp_path)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not errors


def test_a_model_of_keras_alone_is_refused(tmp_path: Path) -> None:
    plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    plain.compile("sgd", "mse")
    with pytest.raises(TrainingError, match="BackupAndRestore"):
        fit(plain, tmp_path)
