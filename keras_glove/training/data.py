"""What children are trained and validated on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_glove.errors import TrainingError


def check_data(name: str, data: Any, batch_size: int | None) -> None:
    """Raises TrainingError unless every trial can read `data` from its beginning."""
    if isinstance(data, tuple) and 1 <= len(data) <= 3:
        return
    if isinstance(data, Iterator):
        raise TrainingError(
            f"{name} is the iterator {type(data).__name__}, which is empty after the first trial; "
            "give a tf.data.Dataset, a keras.utils.PyDataset or a tuple of arrays."
        )
    if data is None or isinstance(data, tuple | list | str):
        raise TrainingError(
            f"expected {name} to be (x, y), (x, y, sample_weight), a tf.data.Dataset or a "
            f"keras.utils.PyDataset, received {_shown(data)}."
        )
    if batch_size is not None and isinstance(data, tf.data.Dataset | keras.utils.PyDataset):
        raise TrainingError(
            f"expected no batch_size, received {batch_size}: {name} is a {type(data).__name__}, "
            "which makes the batches; call its `.batch(...)`, or pass arrays."
        )


def fit_data(train: Any) -> dict[str, Any]:
    """Training data as arguments of `fit`.

    >>> fit_data(([1.0], [2.0]))
    {'x': [1.0], 'y': [2.0]}
    """
    if not isinstance(train, tuple):
        return {"x": train}
    return dict(zip(("x", "y", "sample_weight"), train, strict=False))


def _shown(data: Any) -> str:
    if isinstance(data, tuple | list):
        return f"a {type(data).__name__} of {len(data)}"
    return repr(data)
