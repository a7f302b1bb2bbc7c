"""What TensorBoard shows of a search: scalars, and pictures of the probabilities over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

__all__ = ["Board", "folder_of"]

CELL = 12
"""Pixels of an epoch and of a candidate."""


def folder_of(callbacks: Sequence[Any], directory: Path | None) -> Path | None:
    """Where events go: beside those of a TensorBoard callback, else into the search's directory."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.TensorBoard):
            return Path(callback.log_dir) / "search"
    return None if directory is None else directory / "tensorboard"


class Board:
    """Writes events.

    Args:
        folder: where; None writes nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._writer: Any = None

    def write(
        self, epoch: int, scalars: Mapping[str, float], probabilities: Sequence[Mapping[str, Any]]
    ) -> None:
        """One epoch.

        Args:
            epoch: counted from 0.
            scalars: by name.
            probabilities: for each epoch so far those of each decision, by name.
        """
        if self._folder is None:
            return
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._folder))
        with self._writer.as_default(step=epoch):
            for name, value in scalars.items():
                tf.summary.scalar(f"search/{name}", value)
            for name in probabilities[-1] if probabilities else ():
                rows = [one[name] for one in probabilities]
                tf.summary.image(f"probabilities/{name}", picture(rows)[None])
        self._writer.flush()

    def close(self) -> None:
        """Ends the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def picture(rows: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Probabilities as a grey image: epochs from left to right, candidates from top to bottom.

    >>> picture([[1.0, 0.0], [0.5, 0.5]]).shape
    (24, 24, 1)
    """
    table = np.asarray(rows, "float32").T
    cells = np.kron(table, np.ones((CELL, CELL), "float32"))
    return np.round(255 * cells[..., None]).astype("uint8")
