"""Connects the epochs of a training to the trial of a search."""

from __future__ import annotations

from typing import Any, Protocol

import keras

from keras_glove.callbacks.monitor import Mode, Monitor
from keras_glove.errors import TrialPruned


class RunningTrial(Protocol):
    """What a callback or an objective needs of a trial; `keras_glove.search.Trial` has it."""

    @property
    def seed(self) -> int:
        """Fixed by the seed of the study and the number of the trial."""

    def report(self, step: int, value: float) -> None:
        """Records an intermediate value with the sign of the reward."""

    def should_prune(self) -> bool:
        """Whether the trial should end early."""


class ReportToTrial(keras.callbacks.Callback):
    """Reports each epoch to a trial, and ends the training when the trial is to be pruned.

    After every epoch that has the monitored value, `trial.report(epoch, value)` is called:
    epochs count from 0, and the value is negated when less is better, as a reward is. If
    `trial.should_prune()` then says so, the training stops after this epoch, as with
    `keras.callbacks.EarlyStopping`, and `TrialPruned` is raised when it has ended. Put it
    last, so that the other callbacks see the end of the training before.

    `FitObjective` adds it by itself; it is for objectives that call `fit` on their own.

    Args:
        trial: that of the objective.
        monitor: the name of a value that Keras reports.
        mode: "max", "min", or "auto" to tell from the name.

    Raises:
        TrainingError: if the mode cannot be told from the name; in training, if the model
            does not report the value.
        TrialPruned: at the end of a training that was pruned.

    >>> def objective(child, trial):
    ...     child.compile("adam", "mse")
    ...     report = ReportToTrial(trial, "val_loss")
    ...     history = child.fit(x, y, validation_split=0.2, callbacks=[report])
    ...     return -history.history["val_loss"][-1]
    """

    def __init__(
        self, trial: RunningTrial, monitor: str = "val_accuracy", mode: Mode = "auto"
    ) -> None:
        super().__init__()
        self.trial = trial
        self.monitor = Monitor(monitor, mode)
        self._pruned: str | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._pruned = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        reward = self.monitor.reward(logs or {})
        if reward is None:
            return
        self.trial.report(epoch, reward)
        if self.trial.should_prune():
            value = reward if self.monitor.mode == "max" else -reward
            self._pruned = f"pruned after epoch {epoch} with {self.monitor.name}={value:.4g}"
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._pruned is not None:
            raise TrialPruned(self._pruned)
