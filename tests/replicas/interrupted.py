"""Trains and searches with backups; `python -m tests.replicas.interrupted FOLDER CPUS KILLED_AT`.

At the step KILLED_AT the process kills itself. With "never" it goes on from the backup, trains anew
without any interruption, and compares. With 0 CPUs it is a worker of the cluster of TF_CONFIG, of
which the second kills itself.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import numpy as np

FOLDER, CPUS, KILLED_AT = sys.argv[1:]
os.environ["KERAS_GLOVE_LOGICAL_CPUS"] = CPUS

import keras  # noqa: E402

import keras_glove as kg  # noqa: E402
from keras_glove import tpu  # noqa: E402
from keras_glove.callbacks import Backup, SearchCallback  # noqa: E402
from keras_glove.weight_sharing.policies import Reinforce  # noqa: E402
from tests.replicas import conftest  # noqa: E402, F401  makes the devices
from tests.replicas.samples import Static, W, X, Y, accuracy, layers, made, mirrored  # noqa: E402

KINDS = {"0": lambda: tpu.strategy("multi_worker").strategy, "1": lambda: None, "2": mirrored}
STRATEGY = KINDS[CPUS]()
IS_SECOND = '"index": 1' in os.environ.get("TF_CONFIG", "")


class Net(kg.Model):
    def __init__(self, branch: Any) -> None:
        super().__init__()
        self.branch = branch
        self.normalization, self.dropout = layers.BatchNormalization(), layers.Dropout(0.2)
        self.head = layers.Dense(3)

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = self.normalization(self.branch(x), training=training)
        return self.head(self.dropout(x, training=training))


class Killer(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += 1
        if self.steps == int(KILLED_AT):
            os.kill(os.getpid(), signal.SIGKILL)


def trained(folder: str) -> list[np.ndarray]:
    branches = [kg.layers.Dense(8, activation="tanh"), kg.layers.Dense(8)]
    model = made(
        lambda: Net(kg.oneof(branches)),
        STRATEGY,
        optimizer=lambda: keras.optimizers.Adam(0.01),
    )
    policy = Reinforce(seed=3)
    callbacks = [
        SearchCallback(policy, "training", reward=accuracy, search_batch_size=8),
        Backup(folder, save_freq=2),
    ]
    if KILLED_AT != "never" and (CPUS != "0" or IS_SECOND):
        callbacks.append(Killer())
    history = model.fit(
        X, Y, sample_weight=W, batch_size=6, epochs=3, verbose=0, callbacks=callbacks
    )
    last = [values[-1] for _, values in sorted(history.history.items())]
    state = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    return [*state, *policy.get_state().values(), np.array(last)]


resumed = trained(FOLDER)
whole = trained(FOLDER + "-other")
for one, other in zip(resumed, whole, strict=True):
    np.testing.assert_array_equal(one, other)

if CPUS == "0":
    found = []
    for strategy in (None, STRATEGY):
        static = made(Static, strategy, steps_per_execution=3)
        static.fit(X, Y, sample_weight=W, batch_size=8, epochs=2, shuffle=False, verbose=0)
        scores = static.evaluate(X, Y, batch_size=8, verbose=0)
        found.append([*(v.numpy() for v in static.variables), np.array(scores)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=3e-6)
sys.stdout.write("the same\n")
