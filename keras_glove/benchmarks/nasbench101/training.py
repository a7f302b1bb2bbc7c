"""Training cells for real, by the recipe of the benchmark at any scale."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.metrics import Evaluation, Metrics
from keras_glove.benchmarks.nasbench101.model import build_model
from keras_glove.benchmarks.nasbench101.parameters import Network
from keras_glove.benchmarks.nasbench101.recipe import Recipe
from keras_glove.errors import TrainingError

__all__ = ["CellTrainer", "ImageData", "digits_data"]

Array = np.ndarray[Any, Any]

_EVALUATED_AT_ONCE = 2000


class ImageData(NamedTuple):
    """Labelled images in three parts.

    Attributes:
        train: images, `(images, height, width, channels)`, and labels, `(images,)`.
        validation: likewise; what a search may see.
        test: likewise; what it may not.
    """

    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    test: tuple[Array, Array]


def digits_data(num_train: int = 400, num_validation: int = 500, seed: int = 0) -> ImageData:
    """The 1,797 handwritten digits of scikit-learn, 8 by 8 pixels, 0 to 1; the rest is for tests.

    Args:
        num_train, num_validation: how many images.
        seed: of their order.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.images))
    images = (digits.images[order, :, :, None] / 16).astype(np.float32)
    labels = digits.target[order].astype(np.int32)
    cuts = [num_train, num_train + num_validation]
    return ImageData(*zip(np.split(images, cuts), np.split(labels, cuts), strict=True))


class CellTrainer:
    """Trains cells: a `train_fn` of `build_table`.

    What is random in a training is fixed by the seed, the cell, the epochs and the repeat. The
    compiled step of a cell is kept for its next training.

    Args:
        data: the images.
        network: the skeleton around a cell, with the channels and classes of the images.
        recipe: how to train.
        seed: a non-negative integer.
        clock: tells the seconds that trainings are measured in; `time.process_time` for those
            of the processor, where others work on the same machine.

    Raises:
        TrainingError: if there are fewer images than a batch has.
    """

    def __init__(
        self,
        data: ImageData,
        network: Network,
        recipe: Recipe | None = None,
        *,
        seed: int = 0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._clock = clock
        self._data = data
        self._network = network
        self._recipe = recipe or Recipe()
        self._seed = seed
        self._current: tuple[Cell, _Compiled] | None = None
        if len(data.train[0]) < self._recipe.batch_size:
            raise TrainingError(
                f"expected at least {self._recipe.batch_size} images, the size of a batch, "
                f"received {len(data.train[0])}."
            )

    def __call__(self, cell: Cell, epochs: int, repeat: int) -> Metrics:
        """Trains a cell from new weights.

        Raises:
            OutOfDomainError: if the cell is not valid.
        """
        start = self._clock()
        key = [zlib.crc32(cell.hash.encode()), epochs, repeat]
        seeds = np.random.SeedSequence(self._seed, spawn_key=key).generate_state(2)
        compiled = self._compiled(cell)
        compiled.begin(int(seeds[0]), epochs)
        order = np.random.default_rng(int(seeds[1]))
        evaluations = [compiled.evaluate(0.0)]
        steps = compiled.steps_per_epoch * epochs
        seconds = 0.0
        for count in (steps // 2, steps - steps // 2):
            begun = self._clock()
            compiled.train(count, order)
            seconds += self._clock() - begun
            evaluations.append(compiled.evaluate(seconds))
        return Metrics(tuple(evaluations), compiled.num_parameters, self._clock() - start)

    def _compiled(self, cell: Cell) -> _Compiled:
        if self._current is None or self._current[0] != cell:
            keras.utils.clear_session(free_memory=False)
            self._current = (cell, _Compiled(cell, self._data, self._network, self._recipe))
        return self._current[1]


class _Compiled:
    """A network with its compiled steps, which can be begun anew."""

    def __init__(self, cell: Cell, data: ImageData, network: Network, recipe: Recipe) -> None:
        self._recipe = recipe
        self._data = data
        size = data.train[0].shape[1:3]
        self._model = build_model(
            cell, network, image_size=size, norm_momentum=recipe.norm_momentum
        )
        self._optimizer = keras.optimizers.RMSprop(
            recipe.learning_rate, momentum=recipe.momentum, epsilon=recipe.epsilon
        )
        self._optimizer.build(self._model.trainable_variables)
        self._images = tf.concat([images for images, _ in data], 0)
        self._labels = tf.concat([labels for _, labels in data], 0)
        self._total = tf.Variable(1.0)
        batches = tf.TensorSpec([None, recipe.batch_size], tf.int32)
        self._steps = tf.function(self._train_steps, input_signature=[batches])
        self._predict = tf.function(self._correct)
        self.num_train = len(data.train[0])
        self.steps_per_epoch = self.num_train // recipe.batch_size
        self.num_parameters = sum(math.prod(w.shape) for w in self._model.trainable_variables)
        # Compiling is no training time; the first step that runs costs more than others too.
        self._steps(tf.zeros([2, recipe.batch_size], tf.int32))

    def begin(self, seed: int, epochs: int) -> None:
        """New weights and a new optimizer, for a training of some epochs."""
        self._total.assign(epochs * self.steps_per_epoch)
        self._done = 0
        self._left: list[Array] = []
        seeds = np.random.default_rng(seed)
        for layer in self._model.layers:
            for weight, initializer in _initializers(layer, int(seeds.integers(2**31))):
                weight.assign(initializer(weight.shape))
        for variable in self._optimizer.variables:
            variable.assign(np.zeros(variable.shape))

    def train(self, steps: int, order: np.random.Generator) -> None:
        """Goes on for some steps; each epoch has the images in another order."""
        while steps:
            if not self._left:
                used = order.permutation(self.num_train)[: self._batch * self.steps_per_epoch]
                self._left = list(used.astype(np.int32).reshape(-1, self._batch))
            now, self._left = self._left[:steps], self._left[steps:]
            self._steps(tf.constant(np.stack(now)))
            self._done += len(now)
            steps -= len(now)

    def evaluate(self, seconds: float) -> Evaluation:
        """The state of the training after so many seconds of it."""
        correct = self._predict().numpy()
        parts = np.split(correct, np.cumsum([len(labels) for _, labels in self._data])[:-1])
        accuracies = [float(part.mean()) for part in parts]
        return Evaluation(self._done / self.steps_per_epoch, seconds, *accuracies)

    @property
    def _batch(self) -> int:
        return self._recipe.batch_size

    def _train_steps(self, batches: Any) -> None:
        for chosen in batches:
            images, labels = tf.gather(self._images, chosen), tf.gather(self._labels, chosen)
            variables = self._model.trainable_variables
            with tf.GradientTape() as tape:
                loss = self._loss(labels, self._model(images, training=True))
            gradients = tape.gradient(loss, variables)
            done = tf.cast(self._optimizer.iterations, tf.float32) / self._total
            rate = 0.5 * self._recipe.learning_rate * (1 + tf.cos(math.pi * done))
            # Not `apply`, which keeps the graph of every network alive.
            for gradient, variable in zip(gradients, variables, strict=True):
                self._optimizer.update_step(gradient, variable, rate)
            self._optimizer.iterations.assign_add(1)

    def _loss(self, labels: Any, logits: Any) -> Any:
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        squares = [tf.nn.l2_loss(weight) for weight in self._model.trainable_variables]
        return tf.reduce_mean(entropy) + self._recipe.weight_decay * tf.add_n(squares)

    def _correct(self) -> Any:
        """Which of all images are told rightly."""
        rows = []
        for start in range(0, len(self._labels), _EVALUATED_AT_ONCE):
            images = self._images[start : start + _EVALUATED_AT_ONCE]
            rows.append(tf.argmax(self._model(images, training=False), -1, tf.int32))
        return tf.concat(rows, 0) == self._labels


def _initializers(layer: Any, seed: int) -> list[tuple[Any, Any]]:
    """The weights of a layer, each with what draws its initial values."""
    if isinstance(layer, keras.layers.BatchNormalization):
        ones, zeros = keras.initializers.Ones(), keras.initializers.Zeros()
        return [
            (layer.gamma, ones),
            (layer.beta, zeros),
            (layer.moving_mean, zeros),
            (layer.moving_variance, ones),
        ]
    if not layer.weights:
        return []
    kind = type(layer.kernel_initializer)
    config = {**layer.kernel_initializer.get_config(), "seed": seed}
    kernel = (layer.kernel, kind.from_config(config))
    return [kernel] + ([(layer.bias, layer.bias_initializer)] if layer.use_bias else [])
