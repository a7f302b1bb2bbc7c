"""What children are trained and validated on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_glove.errors import TrainingError


def check_data(name: str, data: Any, *, steps: int | None = None) -> None:
    """Raises TrainingError unless every trial can read `data` from its beginning to an end.

    Args:
        name: of the argument, for the message.
        data: the argument.
        steps: batches per pass, if that is limited.
    """
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
    if steps is None and _is_endless(data):
        argument = {"train": "steps_per_epoch"}.get(name, "validation_steps")
        raise TrainingError(
            f"{name} repeats for ever, so no epoch would end; give `{argument}`, or leave out its "
            "`.repeat()`."
        )


def check_batching(data: Any, batch_size: Any) -> None:
    """Raises TrainingError for a batch size that Keras would pass over without a word."""
    if batch_size is not None and makes_batches(data):
        raise TrainingError(
            f"expected no batch_size, received {batch_size}: the training data is a "
            f"{type(data).__name__}, which makes the batches; call its `.batch(...)`, or pass "
            "arrays."
        )


def makes_batches(data: Any) -> bool:
    """Whether the data comes in batches already."""
    return isinstance(data, tf.data.Dataset | keras.utils.PyDataset)


def fit_data(train: Any) -> dict[str, Any]:
    """Training data as arguments of `fit`.

    >>> fit_data(([1.0], [2.0]))
    {'x': [1.0], 'y': [2.0]}
    """
    if isinstance(train, tf.data.Dataset):
        return {"x": train, "shuffle": False}  # True, as by default, Keras warns that it cannot
    if not isinstance(train, tuple):
        return {"x": train}
    return dict(zip(("x", "y", "sample_weight"), train, strict=False))


def _is_endless(data: Any) -> bool:
    if isinstance(data, tf.data.Dataset):
        return bool(data.cardinality() == tf.data.INFINITE_CARDINALITY)
    return isinstance(data, keras.utils.PyDataset) and data.num_batches is None


def _shown(data: Any) -> str:
    if isinstance(data, tuple | list):
        return f"a {type(data).__name__} of {len(data)}"
    return repr(data)
