"""What a search learns from: never the examples that the weights are trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_glove.errors import TrainingError

__all__ = ["endless", "split", "symbols"]


def split(arguments: dict[str, Any], fraction: float, seed: int) -> Any:
    """Takes a random part of the training arrays in `fit`'s arguments away, and returns it.

    Raises:
        TrainingError: the data are no arrays, or nothing would be left.
    """
    arrays = arguments.get("x"), arguments.get("y"), arguments.get("sample_weight")
    leaves = [leaf for leaf in keras.tree.flatten(arrays) if leaf is not None]
    if not leaves or not all(hasattr(leaf, "shape") for leaf in leaves):
        raise TrainingError(
            "Expected arrays to split search data off, received training data of type "
            f"{type(arrays[0]).__name__}. Give `search_data` or `validation_data` as a dataset."
        )
    count = int(leaves[0].shape[0])
    size = round(count * fraction)
    if not 0 < size < count:
        raise TrainingError(
            f"Expected a fraction that leaves examples on both sides, received {fraction} of "
            f"{count} examples."
        )
    order = np.random.default_rng(seed).permutation(count)
    kept, taken = np.sort(order[size:]), np.sort(order[:size])

    def part(places: Any) -> Any:
        return keras.tree.map_structure(
            lambda leaf: None if leaf is None else np.asarray(leaf)[places], arrays
        )

    arguments["x"], arguments["y"], arguments["sample_weight"] = part(kept)
    return tuple(leaf for leaf in part(taken) if leaf is not None)


def endless(
    data: Any, batch_size: int, seed: int, strategy: tf.distribute.Strategy
) -> Iterator[Any]:
    """Batches of search data without end, in a shuffled order.

    Args:
        data: (x, y) or (x, y, sample_weight), or a batched dataset.
        batch_size: examples per batch, for arrays.
        seed: of the order.
        strategy: on whose replicas the batches are used.
    """
    if isinstance(data, tuple):
        count = int(keras.tree.flatten(data)[0].shape[0])
        dataset = tf.data.Dataset.from_tensor_slices(data)
        dataset = dataset.shuffle(count, seed=seed).repeat().batch(batch_size, drop_remainder=True)
    elif isinstance(data, tf.data.Dataset):
        dataset = data.repeat()
    else:
        raise TrainingError(
            "Expected search data to be (x, y), (x, y, sample_weight) or a tf.data.Dataset, "
            f"received {type(data).__name__}."
        )
    return iter(strategy.experimental_distribute_dataset(dataset.prefetch(2)))


def symbols(data: Any) -> Any:
    """Symbolic inputs of the shapes and types of search data, whose batch is open."""
    if isinstance(data, tf.data.Dataset):
        spec = data.element_spec
        spec = spec[0] if isinstance(spec, tuple) else spec
    else:
        spec = keras.tree.map_structure(np.asarray, data[0])
    return keras.tree.map_structure(
        lambda leaf: keras.KerasTensor(
            (None, *leaf.shape[1:]), dtype=keras.backend.standardize_dtype(leaf.dtype)
        ),
        spec,
    )
