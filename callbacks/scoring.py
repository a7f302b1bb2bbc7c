"""Scores of architectures with shared weights, and black-box search by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from keras_glove.algorithms import Algorithm
from keras_glove.callbacks.costs import Cost
from keras_glove.callbacks.search_data import SearchData
from keras_glove.errors import StopSearch
from keras_glove.hyper import DNA
from keras_glove.training.calibrating import Calibration
from keras_glove.weight_sharing.rewards import Reward
from keras_glove.weight_sharing.supernet import sharing_of

__all__ = ["Found", "SupernetScores", "blackbox", "mean_quality"]


@dataclass(frozen=True)
class Found:
    """An architecture and what it is worth with shared weights.

    Attributes:
        dna: its decisions.
        reward: more is better.
        quality: what was rewarded, before cost; more is better.
        cost: None where the search has none.
    """

    dna: DNA
    reward: float
    quality: float
    cost: float | None = None


class SupernetScores:
    """Judges architectures on the whole search data, with the weights of a supernet.

    For each, statistics of BatchNormalization are estimated anew first (Guo et al. 2020, SPOS,
    section 3.4), since those of the supernet are a mixture over all.

    Args:
        model: the supernet, built.
        reward: of the search.
        cost: that of architectures; None for none.
        data: search data.
        calibration: what statistics are estimated on; better training data.
        recalibrate: batches for that, 0 for none.
    """

    def __init__(
        self,
        model: Any,
        reward: Reward,
        cost: Cost | None,
        data: SearchData,
        calibration: SearchData,
        recalibrate: int,
    ) -> None:
        self._model, self._reward, self._cost = model, reward, cost
        self._data, self._calibration_data = data, calibration
        self._steps = recalibrate
        self._calibration = Calibration(model)
        self._known: dict[DNA, Found] = {}
        self._quality = mean_quality(model, reward.quality)

    def __call__(self, dna: DNA) -> Found:
        """The score of one; the model is afterwards as it was."""
        if dna not in self._known:
            quality = self._measured(dna)
            cost = None if self._cost is None else self._cost.of(dna)
            reward = float(self._reward.shaped(tf.constant(quality), cost))
            self._known[dna] = Found(dna, reward, quality, cost)
        return self._known[dna]

    def _measured(self, dna: DNA) -> float:
        sharing = sharing_of(self._model)
        before = sharing.indices.numpy().copy(), sharing.numbers.numpy().copy()
        statistics = self._calibration.values()
        sharing.set(dna)
        try:
            if self._steps:
                batches = self._calibration_data.batches()
                inputs = batches.map(lambda *batch: batch[0])
                self._calibration.run(iter(inputs), self._steps)
            return self._quality(self._data.once())
        finally:
            self._calibration.restore(statistics)
            sharing.indices.assign(before[0])
            sharing.numbers.assign(before[1])


def mean_quality(model: Any, quality: Any) -> Any:
    """A function that gives the mean over examples of a quality of a model's predictions.

    A metric that is no mean is taken batch by batch, as a search step takes it.
    """

    def one(batch: Any) -> tuple[Any, Any]:
        x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
        predicted = model(x, training=False)
        return quality(y, predicted, weights), tf.shape(keras.tree.flatten(x)[0])[0]

    step = tf.function(one, reduce_retracing=True)

    def mean(batches: tf.data.Dataset) -> float:
        total, count = 0.0, 0
        for batch in batches:
            value, size = step(batch)
            total += float(value) * int(size)
            count += int(size)
        return total / count

    return mean


def blackbox(
    scores: SupernetScores, algorithm: Algorithm, space: Any, trials: int, seed: int
) -> list[Found]:
    """What an algorithm finds on a trained supernet, the best first, each once."""
    algorithm.setup(space, seed=seed)
    found: dict[DNA, Found] = {}
    for _ in range(trials):
        try:
            dna = algorithm.propose()
        except StopSearch:
            break
        found[dna] = scores(dna)
        algorithm.feedback(dna, found[dna].reward)
    return sorted(found.values(), key=lambda one: -one.reward)
