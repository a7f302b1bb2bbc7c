"""Small data, models and trials for the tests of training."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_glove.training import FitObjective

_RANDOM = np.random.default_rng(0)
X = _RANDOM.normal(size=(32, 3)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5]], dtype="float32")
DATA = (X, Y)


def net(width: int = 4, **layer: Any) -> keras.Model:
    """Two dense layers, built."""
    hidden = keras.layers.Dense(width, activation="relu", **layer)
    return keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(1, **layer)])


def objective(train: Any = DATA, validation_data: Any = DATA, **settings: Any) -> FitObjective:
    """Trains by SGD without graphs, which take longer to trace than these tests to run."""
    compile = {"optimizer": "sgd", "loss": "mse", "run_eagerly": True}
    defaults = {"monitor": "val_loss", "epochs": 2, "seed": 0, "compile": compile}
    return FitObjective(train, validation_data, **{**defaults, **settings})


class Noted(keras.callbacks.Callback):
    """Notes each hook and epoch on a list that copies share."""

    def __init__(self, notes: list[Any]) -> None:
        super().__init__()
        self.notes = notes

    def __deepcopy__(self, memo: dict[int, Any]) -> Noted:
        return Noted(self.notes)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.notes.append((epoch, logs))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.notes.append("end")


class Curve(keras.callbacks.Callback):
    """Puts given values into the logs of each epoch, before others read them."""

    def __init__(self, **curves: list[float]) -> None:
        super().__init__()
        self.curves = curves

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        for name, values in self.curves.items():
            logs[name] = values[epoch]


class FakeTrial:
    """A trial that notes reports, and is given up at an epoch."""

    def __init__(self, seed: int = 0, prune_at: int | None = None, **more: Any) -> None:
        self.seed = seed
        self.prune_at = prune_at
        self.reports: list[tuple[int, float]] = []
        vars(self).update(more)

    def report(self, step: int, value: float) -> None:
        self.reports.append((step, value))

    def should_prune(self) -> bool:
        return self.prune_at is not None and self.reports[-1][0] >= self.prune_at
