"""`load`: a data set to train on, to choose by, and to test on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_glove.data.preparing import NAMES, prepared
from keras_glove.errors import DataError

__all__ = ["Splits", "load"]

_SEED = 0

Pair = tuple[Any, Any]


class Splits(NamedTuple):
    """Three disjoint sets of examples.

    Each is a pair (images, labels) of arrays, or a `tf.data.Dataset` of such pairs in
    batches. Images are float32 of shape (examples, height, width, channels), from 0 to 1;
    labels are int64 of shape (examples,).
    """

    train: Any
    validation: Any
    test: Any


def load(
    name: str,
    *,
    data_dir: str | Path | None = None,
    validation: float = 0.1,
    batch_size: int | None = None,
) -> Splits:
    """A data set of images, prepared once by TensorFlow Datasets and then read from disk.

    Args:
        name: one of `NAMES`.
        data_dir: where TensorFlow Datasets keeps what it prepares; by default its own place,
            `~/tensorflow_datasets` or what TFDS_DATA_DIR names.
        validation: the share of the training examples, from 0 to 1 exclusive, that is set
            apart to choose by: always the same ones, as many of each class as the share
            says. The digits come with a set for that.
        batch_size: None gives arrays; a number gives batches of so many examples (the last
            of fewer) in a `tf.data.Dataset`, that for training in a new order each epoch,
            which `tf.random.set_seed` fixes.

    Raises:
        DataError: for an unknown name, a share or size out of range, or a set that cannot be
            downloaded or written.
        DependencyError: for the digits where scikit-learn is not installed.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> splits = load("digits", data_dir=folder)
    >>> [images.shape for images, _ in splits]
    [(1078, 8, 8, 1), (360, 8, 8, 1), (359, 8, 8, 1)]
    >>> len(load("digits", data_dir=folder, batch_size=100).train)
    11
    """
    if name not in NAMES:
        raise DataError(f"Expected one of the data sets {list(NAMES)}, received {name!r}.")
    if not 0 < validation < 1:
        raise DataError(f"Expected a share between 0 and 1 to validate on, received {validation}.")
    if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
        raise DataError(f"Expected a batch size of at least 1, received {batch_size!r}.")
    builder = prepared(name, data_dir)
    train, test = _read(builder, "train"), _read(builder, "test")
    if "validation" in builder.info.splits:
        chosen = _read(builder, "validation")
    else:
        apart = set_apart(train[1], validation)
        train, chosen = _take(train, ~apart), _take(train, apart)
    scale = np.float32(16 if name == "digits" else 255)
    if batch_size is None:
        return Splits(*(_scaled(pair, scale) for pair in (train, chosen, test)))
    return Splits(
        _batches(train, scale, batch_size, shuffle=True),
        _batches(chosen, scale, batch_size, shuffle=False),
        _batches(test, scale, batch_size, shuffle=False),
    )


def set_apart(labels: Any, share: float) -> Any:
    """Which examples to set apart, as booleans of shape (examples,): a share of each class.

    >>> set_apart(np.array([0, 1, 0, 1, 1, 1]), 0.5).sum()
    np.int64(3)
    """
    rng = np.random.default_rng(_SEED)
    apart = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        indices = rng.permutation(np.flatnonzero(labels == label))
        apart[indices[: round(share * len(indices))]] = True
    return apart


def _read(builder: Any, split: str) -> Pair:
    """Images as uint8, and labels, in the order in which they are stored."""
    data = builder.as_dataset(split=split, batch_size=-1, as_supervised=True, shuffle_files=False)
    images, labels = tfds.as_numpy(data)
    return images, labels


def _take(pair: Pair, chosen: Any) -> Pair:
    images, labels = pair
    return images[chosen], labels[chosen]


def _scaled(pair: Pair, scale: Any) -> Pair:
    images, labels = pair
    return images.astype(np.float32) / scale, labels


def _batches(pair: Pair, scale: Any, batch_size: int, *, shuffle: bool) -> tf.data.Dataset:
    data = tf.data.Dataset.from_tensor_slices(pair)
    if shuffle:
        data = data.shuffle(len(pair[0]))
    data = data.batch(batch_size)
    # Scaled batch by batch: in memory the images take a quarter of what floats would.
    data = data.map(lambda images, labels: (tf.cast(images, tf.float32) / scale, labels))
    return data.prefetch(tf.data.AUTOTUNE)
