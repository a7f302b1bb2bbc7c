"""Training arrays in an order that a seed and the epoch fix, in whatever process."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_glove.errors import TrainingError

__all__ = ["OrderedArrays", "ordered"]


class OrderedArrays:
    """Batches of arrays; each epoch has its own order.

    Attributes:
        dataset: to be iterated once for each epoch, after `begin`.
    """

    def __init__(self, arrays: tuple[Any, ...], batch_size: int, shuffle: bool, seed: int) -> None:
        self._epoch = tf.Variable(0, dtype="int64", trainable=False)
        tensors = keras.tree.map_structure(tf.convert_to_tensor, arrays)
        size = int(keras.tree.flatten(tensors)[0].shape[0])
        steps = -(-size // batch_size)

        def batch(step: Any) -> Any:
            places = tf.range(step * batch_size, tf.minimum((step + 1) * batch_size, size))
            if shuffle:
                key = tf.stack([tf.constant(seed % 2**31, "int64"), self._epoch])
                shuffled = tf.random.experimental.index_shuffle
                places = shuffled(places, tf.cast(key, "int32"), tf.cast(size - 1, "int64"))
            return keras.tree.map_structure(lambda leaf: tf.gather(leaf, places), tensors)

        self.dataset = tf.data.Dataset.range(steps).map(batch).prefetch(2)

    def begin(self, epoch: int) -> None:
        """Sets which epoch the next iteration is."""
        self._epoch.assign(epoch)


def ordered(arguments: dict[str, Any], seed: int) -> tuple[dict[str, Any], OrderedArrays | None]:
    """The arguments of `fit`, with arrays in them as such a dataset; others as they are.

    Raises:
        TrainingError: validation data are to be split off.
    """
    x = arguments.get("x")
    leaves = [] if x is None else keras.tree.flatten(x)
    if not leaves or not all(isinstance(leaf, np.ndarray | tf.Tensor) for leaf in leaves):
        return arguments, None
    arguments = dict(arguments)
    if arguments.get("validation_split"):
        raise TrainingError(
            "Expected validation data of its own beside a Backup, received validation_split="
            f"{arguments['validation_split']}. Give `validation_data`."
        )
    arrays = [arguments.pop("x"), arguments.pop("y", None), arguments.pop("sample_weight", None)]
    while arrays and arrays[-1] is None:
        arrays.pop()
    size = arguments.pop("batch_size", None) or 32
    data = OrderedArrays(tuple(arrays), size, arguments.pop("shuffle", True), seed)
    return {**arguments, "x": data.dataset, "shuffle": False}, data
