"""`load`: a data set as arrays to train on, to choose by, and to test on."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from keras_glove.data.digits import SklearnDigits
from keras_glove.errors import DataError

__all__ = ["NAMES", "Splits", "load"]

#: The data sets that `load` knows. All but the digits are downloaded.
NAMES = ("digits", "mnist", "fashion_mnist", "cifar10")
_SEED = 0

Pair = tuple[Any, Any]


class Splits(NamedTuple):
    """Three disjoint sets of examples, each as (images, labels).

    Images are float32 of shape (examples, height, width, channels), from 0 to 1; labels are int64
    of shape (examples,).
    """

    train: Pair
    validation: Pair
    test: Pair


def load(name: str, *, data_dir: str | Path | None = None, validation: float = 0.1) -> Splits:
    """A data set of images, prepared once and then read from disk.

    Args:
      name: one of `NAMES`.
      data_dir: where TensorFlow Datasets keeps what it prepares; by default its own place in the
        user's home folder.
      validation: the share of the training examples, from 0 to 1 exclusive, that is set apart to
        choose by, always the same ones. The digits come with a set for that.

    Raises:
      DataError: for an unknown name, a share out of range, or a set that cannot be downloaded or
        written.
      DependencyError: for the digits where scikit-learn is not installed.

    >>> import tempfile
    >>> splits = load("digits", data_dir=tempfile.mkdtemp())
    >>> [images.shape for images, _ in splits]
    [(1078, 8, 8, 1), (360, 8, 8, 1), (359, 8, 8, 1)]
    """
    if name not in NAMES:
        raise DataError(f"Expected one of the data sets {list(NAMES)}, received {name!r}.")
    if not 0 < validation < 1:
        raise DataError(f"Expected a share between 0 and 1 to validate on, received {validation}.")
    builder = _prepared(name, data_dir)
    scale = 16 if name == "digits" else 255
    train, test = _arrays(builder, "train", scale), _arrays(builder, "test", scale)
    if "validation" in builder.info.splits:
        return Splits(train, _arrays(builder, "validation", scale), test)
    order = np.random.default_rng(_SEED).permutation(len(train[0]))
    apart = round(validation * len(order))
    chosen, rest = np.sort(order[:apart]), np.sort(order[apart:])
    return Splits(_take(train, rest), _take(train, chosen), test)


def _prepared(name: str, data_dir: str | Path | None) -> Any:
    folder = None if data_dir is None else str(data_dir)
    try:
        builder = (
            SklearnDigits(data_dir=folder)
            if name == "digits"
            else tfds.builder(name, data_dir=folder, try_gcs=False)
        )
        _prepare_quietly(builder)
    except OSError as error:
        raise DataError(
            f"The data set {name!r} could not be downloaded or written ({error}). Give a "
            "`data_dir` that holds it, prepared by TensorFlow Datasets where there is a network; "
            "'digits' needs none."
        ) from error
    return builder


def _prepare_quietly(builder: Any) -> None:
    tfds.disable_progress_bar()
    # What is told of a download is no result of the program that asks for the data.
    with contextlib.redirect_stdout(sys.stderr):
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(try_download_gcs=False)
        )


def _arrays(builder: Any, split: str, scale: int) -> Pair:
    images, labels = tfds.as_numpy(
        builder.as_dataset(split=split, batch_size=-1, as_supervised=True, shuffle_files=False)
    )
    return images.astype(np.float32) / np.float32(scale), labels


def _take(pair: Pair, indices: Any) -> Pair:
    images, labels = pair
    return images[indices], labels[indices]
