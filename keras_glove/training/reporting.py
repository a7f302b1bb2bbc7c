"""Which values a model reports, and a record of those that it did report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

from keras_glove.callbacks.monitor import Monitor
from keras_glove.errors import DivergenceError, TrainingError

#: A number, or lists of them from a metric that reports one per class.
Value = Any


class EpochLog(keras.callbacks.Callback):
    """Keeps the values of each epoch, and ends a training that has diverged.

    Raises:
        TrainingError: after the first epoch, if the monitored value is not reported.
        DivergenceError: at the end of the training, if a loss or the value is not finite.
    """

    def __init__(self, monitor: Monitor) -> None:
        super().__init__()
        self.epochs: list[tuple[float | None, dict[str, Value]]] = []
        self._monitor = monitor
        self._error: str | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # Keras turns into floats what has one value.
        values = {name: np.asarray(value).tolist() for name, value in (logs or {}).items()}
        reward = self._monitor.reward(values)
        self.epochs.append((reward, values))
        for name, value in (("loss", values.get("loss")), (self._monitor.name, reward)):
            if isinstance(value, float) and not math.isfinite(value):
                # Raised at the end, so that the other callbacks can close their files.
                self._error = (
                    f"{name} is {values[name]} in epoch {epoch}; a smaller learning rate or "
                    "clipped gradients may help."
                )
                self.model.stop_training = True
                return

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._error is not None:
            raise DivergenceError(self._error)

    def choose(self, which: str) -> tuple[int, float, dict[str, Value]]:
        """Epoch, reward and values of the best or the last epoch that has a reward.

        Raises:
            TrainingError: if there is none.
        """
        judged = [(e, r, v) for e, (r, v) in enumerate(self.epochs) if r is not None]
        if not judged:
            raise TrainingError(
                f"none of the {len(self.epochs)} epochs reported {self._monitor.name!r}; does "
                "validation_freq leave all of them out?"
            )
        return judged[-1] if which == "last" else max(judged, key=lambda item: item[1])


def check_reported(
    model: keras.Model, monitor: Monitor, callbacks: Iterable[keras.callbacks.Callback]
) -> None:
    """Raises TrainingError, before any training, if the model cannot report the value.

    Says nothing where only the training tells: steps or metrics of the user's own, and
    callbacks of the user's own, which may add values to the logs.
    """
    steps = ("train_step", "test_step", "compute_metrics", "get_metrics_result")
    if any(getattr(type(model), step) is not getattr(keras.Model, step) for step in steps):
        return
    if any(not type(callback).__module__.startswith("keras.") for callback in callbacks):
        return
    names = set(_reported(model))
    wanted = monitor.name.removeprefix("val_")
    # With several outputs, names begin by that of the output.
    if not any(wanted == name or wanted.endswith(f"_{name}") for name in names):
        raise TrainingError(
            f"expected the model to report the monitored {monitor.name!r}, but it is compiled to "
            f"report {sorted(names)}; monitor one of these (or its 'val_' form), or compile with "
            "that metric."
        )


def _reported(model: keras.Model) -> Iterator[str]:
    yield "loss"
    for metric in model.metrics:
        # The metrics of `compile` are made with the first batch, and known by then only.
        pending = [
            getattr(metric, f"_user_{kind}", None) for kind in ("metrics", "weighted_metrics")
        ]
        yield from _names(pending) if any(pending) else [metric.name]


def _names(metrics: Any) -> Iterator[str]:
    if isinstance(metrics, dict):
        metrics = list(metrics.values())
    if isinstance(metrics, list | tuple):
        for metric in metrics:
            yield from _names(metric)
    elif isinstance(metrics, str):
        yield metrics
    elif metrics is not None:
        name = getattr(metrics, "name", None) or getattr(metrics, "__name__", None)
        yield str(name or type(metrics).__name__)
