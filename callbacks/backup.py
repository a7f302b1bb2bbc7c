"""Backups from which an interrupted training goes on as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, cast

import keras
import numpy as np

from keras_glove.callbacks.ordered_data import ordered
from keras_glove.errors import TrainingError

FORMAT = 1
STATE, POSITION = "state.npz", "position"


class Backup(keras.callbacks.BackupAndRestore):
    """Keeps what a training needs to go on after it was killed: with the same result.

    That is Keras's `BackupAndRestore` with all of the state: weights, moving statistics, random
    states of layers, the optimizer, metrics of the running epoch, the policy of a search and how
    far its data are read, and the epoch and step. Arrays given to `fit` are then shuffled by
    (`seed`, epoch), so that a restart in the middle of an epoch sees the batches that are missing.
    A dataset of your own is read from its beginning and the steps that are done are passed over:
    that is the same data if it gives the same batches in each process, and in each epoch if it
    shuffles; otherwise keep backups by `save_freq="epoch"`. Of data from a generator the metrics of
    the broken epoch begin anew.

    In the list of callbacks it stands after a `SearchCallback`. Use it in `fit` of a
    `keras_glove.Model` that has weights and is compiled. On several hosts the folder has to be one
    that all of them see.

    Args:
        directory: a folder for nothing else.
        save_freq: "epoch", or the number of steps between two backups.
        seed: of the order of arrays.
        on_termination: also keep one when the process is told to end (SIGTERM, as Cloud does
            before it takes a machine away), then end it. Python hears of that in the main
            thread alone; in others it is left to whoever runs them.
        delete_checkpoint: remove the folder when training has come to its end.

    Raises:
        TrainingError: when `fit` begins, if the model has no weights yet or the backup in the
            folder is damaged, or of another model.

    >>> import tempfile
    >>> from keras_glove.callbacks import Backup
    >>> Backup(tempfile.mkdtemp(), save_freq=100).save_freq
    100
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        *,
        seed: int = 0,
        on_termination: bool = True,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__(
            os.fspath(directory), save_freq=save_freq, delete_checkpoint=delete_checkpoint
        )
        self._seed, self._on_termination = seed, on_termination
        self._told_to_end = False
        self._resumed: dict[str, Any] | None = None
        self._data: Any = None
        self._with_metrics = False

    @contextmanager
    def attached(self, model: Any, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """While it holds, `fit` reads data in an order that is known; called by `fit`."""
        if not model.built or not model.compiled:
            raise TrainingError(
                "Expected a model that is compiled and has weights, received one without. Call "
                "it on a batch before `fit`, so that a backup can be put back."
            )
        arguments, self._data = ordered(arguments, self._seed)
        self._with_metrics = _metrics_are_made(model, arguments["x"])
        listens = self._on_termination and _in_main_thread()
        before = signal.signal(signal.SIGTERM, self._end_soon) if listens else None
        try:
            yield arguments
        finally:
            model._passed_over = 0
            if listens:
                signal.signal(signal.SIGTERM, before)

    def _end_soon(self, number: int, frame: FrameType | None) -> None:
        self._told_to_end = True

    # --- what is kept ----------------------------------------------------------------

    def _variables(self) -> list[Any]:
        model = self.model
        found = [*model.variables, *model.optimizer.variables]
        found += model.metrics_variables if self._with_metrics else []
        search = getattr(model, "_search", None)
        if search is not None:
            found += search.variables
        return list({id(variable): variable for variable in found}.values())

    def _save_model(self) -> None:
        values = {str(i): _array(v) for i, v in enumerate(self._variables())}
        steps = self._last_batch_seen + 1 if self._in_epoch else 0
        values[POSITION] = np.frombuffer(
            json.dumps({"format": FORMAT, "epoch": self._current_epoch, "steps": steps}).encode(),
            dtype=np.uint8,
        )
        if not _is_chief():  # who has taken part in reading what replicas sum up
            return
        folder = Path(self.backup_dir)
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / f"{STATE}.new", "wb") as file:
            np.savez(file, **cast(Any, values))
            file.flush()
            os.fsync(file.fileno())
        os.replace(folder / f"{STATE}.new", folder / STATE)  # a kill leaves the old one or the new

    def _load_model(self) -> None:
        path = Path(self.backup_dir) / STATE
        if not path.exists():
            return
        model, search = self.model, getattr(self.model, "_search", None)
        if not model.optimizer.built:
            with model.distribute_strategy.scope():
                model.optimizer.build(model.trainable_variables)
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
                position = json.loads(kept[POSITION].tobytes().decode())
                values = [kept[str(place)] for place in range(len(kept.files) - 1)]
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise TrainingError(
                f"Expected a backup in {path}, received a damaged file ({error}). Delete it to "
                "begin anew."
            ) from error
        self._resumed = {**position, "values": values}
        self._put_back(len(self._variables()) == len(values))
        model._initial_epoch = position["epoch"]
        if search is not None:
            for _ in range(int(search.number.numpy())):
                next(search.batches)

    def _put_back(self, is_whole: bool) -> None:
        variables, values = self._variables(), (self._resumed or {})["values"]
        shapes = [tuple(variable.shape) for variable in variables]
        if not is_whole or shapes != [value.shape for value in values]:
            raise TrainingError(
                f"Expected in {self.backup_dir!r} the backup of this model with {len(variables)} "
                f"variables, received one of another with {len(values)}. Give each training a "
                "folder of its own."
            )
        with self.model.distribute_strategy.scope():
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    # --- when ------------------------------------------------------------------------

    _in_epoch = False

    def set_model(self, model: Any) -> None:
        if not hasattr(model, "_passed_over"):
            raise TrainingError(
                "Expected Backup in `fit` of a `keras_glove.Model`, received a "
                f"{type(model).__name__}. Derive the model from that, or use Keras's "
                "BackupAndRestore."
            )
        super().set_model(model)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._load_model()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._current_epoch, self._in_epoch, self._last_batch_seen = epoch, True, -1
        if self._data is not None:
            self._data.begin(epoch)
        if self._resumed is not None and self._resumed["epoch"] == epoch:
            self._put_back(True)  # Keras has reset the metrics
            self.model._passed_over = self._resumed["steps"]
        self._resumed = None

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.model._passed_over:
            self._last_batch_seen = batch
            return
        if self._told_to_end:
            self._last_batch_seen = batch
            self._save_model()
            raise SystemExit(128 + signal.SIGTERM)
        super().on_train_batch_end(batch, logs)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if _is_chief():  # two hosts at once could not remove one folder
            super().on_train_end(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._in_epoch = False
        super().on_epoch_end(epoch, logs)


def _metrics_are_made(model: Any, data: Any) -> bool:
    """Makes the metrics, which Keras does in the first step; whether the data could be seen."""
    if isinstance(data, keras.utils.PyDataset):
        batch = data[0]
    elif hasattr(data, "element_spec"):
        batch = next(iter(data))
    else:
        return False
    with model.distribute_strategy.scope():
        model._symbolic_build(data_batch=keras.utils.unpack_x_y_sample_weight(batch))
    return True


def _array(variable: Any) -> np.ndarray[Any, Any]:
    value: np.ndarray[Any, Any] = variable.numpy()
    return value.astype("float32") if variable.dtype == "bfloat16" else value  # NumPy has none


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _is_chief() -> bool:
    task = json.loads(os.environ.get("TF_CONFIG") or "{}").get("task", {})
    return task.get("type", "worker") == "chief" or int(task.get("index", 0)) == 0
