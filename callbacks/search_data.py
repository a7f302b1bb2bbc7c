"""What a search learns from: never the examples that the weights are trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.trainers.data_adapters import array_slicing

from keras_glove.errors import TrainingError

__all__ = ["FRACTION", "TRAINING", "SearchData", "choose"]

FRACTION = 0.2
"""Of the training arrays that is split off for the search, where nothing else is given."""

TRAINING = "training"
"""Stands for the training data themselves."""

ENDLESS = 100
"""So many batches of a dataset that never ends are what an architecture is scored on."""


class SearchData:
    """Examples as batches, whose order depends on nothing but a seed and the number of the step.

    Args:
        source: (x, y) or (x, y, sample_weight), each with examples along the first axis; or a
            batched `tf.data.Dataset` or `keras.utils.PyDataset`.
        batch_size: examples per batch, for arrays; over all replicas.
        seed: of the order of arrays. A dataset keeps its own order: one that shuffles needs a seed
            for a search that can be repeated.

    Raises:
        TrainingError: the source is none of these, or empty.
    """

    def __init__(self, source: Any, batch_size: int = 32, seed: int = 0) -> None:
        self._seed = seed
        if isinstance(source, list):
            source = tuple(source)
        self._given = source
        if not isinstance(source, tuple | tf.data.Dataset | keras.utils.PyDataset):
            raise TrainingError(
                "Expected search data to be (x, y), (x, y, sample_weight), a tf.data.Dataset or a "
                f"PyDataset, received {type(source).__name__}."
            )
        if isinstance(source, tuple):
            # Lists are tensors to tf.data, and structures to Keras.
            source = keras.tree.lists_to_tuples(tuple(x for x in source if x is not None))
            source = keras.tree.map_structure(_array, source)
            self._count = _length(source)
            self.batch_size = min(batch_size, self._count)
        self._source = source

    def batches(self, step: int = 0) -> tf.data.Dataset:
        """Batches without end, from that of a step on."""
        if isinstance(self._source, tf.data.Dataset):
            return self._source.repeat().skip(step)
        if isinstance(self._source, keras.utils.PyDataset):
            return _items(self._source, tf.data.Dataset.counter(step))
        per_pass = self._count // self.batch_size
        first, skipped = divmod(step, per_pass)
        places = tf.data.Dataset.counter(first).flat_map(self._one_pass).skip(skipped)
        return places.map(self._gather())

    def distributed(self, strategy: tf.distribute.Strategy, step: int = 0) -> Iterator[Any]:
        """The same for the replicas of a strategy."""
        dataset = self.batches(step).prefetch(tf.data.AUTOTUNE)
        return iter(strategy.experimental_distribute_dataset(dataset))

    def once(self) -> tf.data.Dataset:
        """Batches in which each example is once; of a dataset without end the first 100."""
        if isinstance(self._source, tf.data.Dataset):
            endless = self._source.cardinality() == tf.data.INFINITE_CARDINALITY
            return self._source.take(ENDLESS) if endless else self._source
        if isinstance(self._source, keras.utils.PyDataset):
            return _items(self._source, tf.data.Dataset.range(len(self._source)))
        return tf.data.Dataset.range(self._count).batch(self.batch_size).map(self._gather())

    def symbols(self) -> tuple[Any, Any]:
        """Symbolic tensors like the inputs and the targets, whose batch is open."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(self.once().element_spec)
        return keras.tree.map_structure(_symbol, x), keras.tree.map_structure(_symbol, y)

    def holds(self, other: Any) -> bool:
        """Whether it reads what some other data are made of."""
        mine = self._given
        if not isinstance(mine, tuple):
            return mine is other or (isinstance(other, tuple) and mine is other[0])
        theirs = [leaf for leaf in keras.tree.flatten(other) if isinstance(leaf, np.ndarray)]
        return any(_overlap(leaf, one) for leaf in keras.tree.flatten(mine[0]) for one in theirs)

    def _one_pass(self, number: Any) -> tf.data.Dataset:
        seed = tf.stack([tf.cast(self._seed % 2**31, "int64"), number])
        order = tf.random.experimental.stateless_shuffle(tf.range(self._count), seed)
        return tf.data.Dataset.from_tensor_slices(order).batch(self.batch_size, drop_remainder=True)

    def _gather(self) -> Any:
        arrays = keras.tree.map_structure(tf.convert_to_tensor, self._source)
        return lambda places: keras.tree.map_structure(lambda one: tf.gather(one, places), arrays)


def choose(
    arguments: dict[str, Any], given: Any, batch_size: int | None, seed: int
) -> tuple[dict[str, Any], SearchData]:
    """The arguments with which `fit` is to go on, and the data of the search.

    Args:
        arguments: of `fit`.
        given: data; or a fraction of the training arrays, which is then split off; or "training".
            None takes the validation data of `fit`, by `validation_split` too, else a fifth of the
            training arrays.
        batch_size: of arrays; None takes that of training.
        seed: of what is split off, and of the order.

    Raises:
        TrainingError: given are no such data, or what the weights are trained on.
    """
    arguments = dict(arguments)
    trained = (arguments.get("x"), arguments.get("y"), arguments.get("sample_weight"))
    if given is None:
        _split_validation(arguments)
        given = arguments.get("validation_data")
        given = FRACTION if given is None else given
    if isinstance(given, str) and given == TRAINING:
        source = trained if _are_arrays(trained) else trained[0]
    elif isinstance(given, float):
        source = _split_off(arguments, given, seed)
    else:
        source = given
    data = SearchData(source, batch_size or arguments.get("batch_size") or 32, seed)
    trained = (arguments.get("x"), arguments.get("y"), arguments.get("sample_weight"))
    if source is given and data.holds(trained if _are_arrays(trained) else trained[0]):
        raise TrainingError(
            "Expected search data that the weights are not trained on, received the training data: "
            "the search would reward overfitting. Give others, or a fraction to be split off; or, "
            f"if that is what you want, search_data={TRAINING!r}."
        )
    return arguments, data


def _split_validation(arguments: dict[str, Any]) -> None:
    """Splits the validation data off, as `fit` would, so that they can be used here as well."""
    fraction = arguments.get("validation_split")
    if not fraction or arguments.get("validation_data") is not None:
        return
    arrays = arguments.get("x"), arguments.get("y"), arguments.get("sample_weight")
    kept, taken = array_slicing.train_validation_split(arrays, validation_split=fraction)
    arguments["x"], arguments["y"], arguments["sample_weight"] = kept
    arguments["validation_data"] = tuple(part for part in taken if part is not None)
    del arguments["validation_split"]


def _split_off(arguments: dict[str, Any], fraction: float, seed: int) -> Any:
    """Takes a random part of the training arrays away, and returns it."""
    arrays = arguments.get("x"), arguments.get("y"), arguments.get("sample_weight")
    if not _are_arrays(arrays):
        raise TrainingError(
            "Expected arrays to split search data off, received training data of type "
            f"{type(arrays[0]).__name__}. Give `search_data` or `validation_data` as a dataset."
        )
    count = _length(arrays)
    size = round(count * fraction)
    if not 0 < size < count:
        raise TrainingError(
            f"Expected a fraction that leaves examples on both sides, received {fraction} of "
            f"{count} examples."
        )
    order = np.random.default_rng(seed).permutation(count)

    def part(places: Any) -> Any:
        return keras.tree.map_structure(
            lambda leaf: None if leaf is None else np.asarray(leaf)[places], arrays
        )

    kept, taken = part(np.sort(order[size:])), part(np.sort(order[:size]))
    arguments["x"], arguments["y"], arguments["sample_weight"] = kept
    return taken


def _are_arrays(structure: Any) -> bool:
    leaves = [leaf for leaf in keras.tree.flatten(structure) if leaf is not None]
    return bool(leaves) and all(hasattr(leaf, "shape") for leaf in leaves)


def _array(leaf: Any) -> Any:
    """An array as Keras would give it to a model."""
    array = np.asarray(leaf)
    return array.astype(keras.config.floatx()) if array.dtype == np.float64 else array


def _length(arrays: Any) -> int:
    leaves = [leaf for leaf in keras.tree.flatten(arrays) if leaf is not None]
    lengths = {int(leaf.shape[0]) if len(leaf.shape) else 0 for leaf in leaves}
    if len(lengths) != 1 or 0 in lengths:
        raise TrainingError(
            "Expected arrays with equally many examples along their first axes, received lengths "
            f"{sorted(lengths)}."
        )
    return lengths.pop()


def _items(source: keras.utils.PyDataset, places: tf.data.Dataset) -> tf.data.Dataset:
    """The items of a PyDataset at some places, counted round and round."""
    example = keras.tree.lists_to_tuples(keras.tree.map_structure(_array, source[0]))
    leaves = keras.tree.flatten(example)

    def read(place: Any) -> list[Any]:
        item = source[int(place) % len(source)]
        return [_array(leaf) for leaf in keras.tree.flatten(item)]

    def shaped(place: Any) -> Any:
        values = tf.numpy_function(read, [place], [leaf.dtype for leaf in leaves])
        for value, leaf in zip(values, leaves, strict=True):
            value.set_shape((None, *leaf.shape[1:]))
        return keras.tree.pack_sequence_as(example, list(values))

    return places.map(shaped)


def _symbol(spec: Any) -> Any:
    dtype = keras.backend.standardize_dtype(spec.dtype.name)
    return keras.KerasTensor((None, *spec.shape[1:]), dtype=dtype)


def _overlap(one: Any, other: Any) -> bool:
    """Whether two arrays share memory, as far as that is quickly told."""
    try:
        return bool(np.shares_memory(one, other, max_work=10_000))  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return False
