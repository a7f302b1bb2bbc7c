"""Statistics of batch normalization, estimated anew for the weights as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_glove.errors import TrainingError

__all__ = ["Calibration", "batches_of"]


class Calibration:
    """Sets the moving statistics of a model to their mean over some batches.

    The model is run in training mode; nothing else of it changes but the state of its random
    generators. One graph serves all calls, whatever the model's weights and decisions are.

    "Single Path One-Shot Neural Architecture Search with Uniform Sampling" (Guo et al., ECCV 2020,
    arXiv:1904.00420), section 3.4.

    Args:
      model: a built Keras model.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._statistics: list[tuple[Any, float]] = []
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                for variable in (layer.moving_mean, layer.moving_variance):
                    self._statistics.append((variable, 1.0 - float(layer.momentum)))
        self._step: Callable[[Any], Any] = tf.function(self._observe, reduce_retracing=True)

    def _observe(self, x: Any) -> list[Any]:
        """The statistics of one batch; zero where a layer did not run."""
        for variable, _ in self._statistics:
            variable.assign(tf.zeros_like(variable.value))
        self._model(x, training=True)
        return [variable.value / rate for variable, rate in self._statistics]

    def values(self) -> list[np.ndarray[Any, Any]]:
        """The moving statistics as they are."""
        return [variable.numpy().copy() for variable, _ in self._statistics]

    def restore(self, values: list[np.ndarray[Any, Any]]) -> None:
        """Sets them to what `values` gave."""
        for (variable, _), value in zip(self._statistics, values, strict=True):
            variable.assign(value)

    def run(self, batches: Iterator[Any], steps: int) -> None:
        """Sets the statistics to their mean over `steps` batches of inputs.

        Raises:
          TrainingError: there are fewer batches.
        """
        if not self._statistics:
            return
        before = self.values()
        sums = [np.zeros(value.shape, "float64") for value in before]
        for step in range(steps):
            x = next(batches, None)
            if x is None:
                self.restore(before)
                raise TrainingError(
                    f"Expected {steps} batches to estimate statistics on, received {step}. Give "
                    "more data, or fewer steps."
                )
            for total, value in zip(sums, self._step(x), strict=True):
                total += np.asarray(value)
        self.restore([total / steps for total in sums])


def batches_of(data: Any, batch_size: int) -> Iterator[Any]:
    """Batches of inputs, without end.

    Args:
      data: (x, y) or x, arrays or structures of arrays; or a batched `tf.data.Dataset`.
      batch_size: examples per batch, for arrays.
    """
    dataset = data
    if not isinstance(data, tf.data.Dataset):
        x = data[0] if isinstance(data, tuple) else data
        dataset = tf.data.Dataset.from_tensor_slices(x).batch(batch_size)
        return iter(dataset.repeat())
    first = dataset.element_spec
    if isinstance(first, tuple):
        dataset = dataset.map(lambda x, *_: x)
    return iter(dataset.repeat())
