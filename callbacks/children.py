"""Trains children of a searched supernet on their own, as the supernet was trained."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_glove.callbacks.scoring import mean_quality
from keras_glove.callbacks.search_data import SearchData
from keras_glove.cost import multiply_adds, parameters
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.training.compiling import fresh
from keras_glove.training.memory import drop_functions

__all__ = ["ChildTraining", "Judged", "equal_cost"]

TOLERANCE = 0.1
"""Children whose costs differ by less than this part are of equal cost."""

SAMPLE = 2000

_KEPT = ("x", "y", "sample_weight", "class_weight", "batch_size", "shuffle", "steps_per_epoch")


@dataclass(frozen=True)
class Judged:
    """What a child came to on its own.

    Attributes:
        name: which it is.
        qualities: one for each seed; more is better.
        parameters, multiply_adds: of the child; multiply-adds for one example.
    """

    name: str
    qualities: tuple[float, ...]
    parameters: int
    multiply_adds: int

    @property
    def mean(self) -> float:
        """The mean of the qualities."""
        return statistics.mean(self.qualities)

    @property
    def error(self) -> float | None:
        """The standard error of the mean; None for one seed."""
        if len(self.qualities) < 2:
            return None
        return statistics.stdev(self.qualities) / math.sqrt(len(self.qualities))


class ChildTraining:
    """How children are trained and judged.

    Args:
        model: the supernet, compiled: children get fresh copies of its optimizer and loss.
        arguments: of `fit`.
        epochs: of a child.
        quality: of targets, predictions and weights.
        data: what children are judged on.
    """

    def __init__(
        self, model: Any, arguments: Mapping[str, Any], epochs: int, quality: Any, data: SearchData
    ) -> None:
        self._model, self._epochs, self._quality, self._data = model, epochs, quality, data
        self._fit = {name: arguments[name] for name in _KEPT if arguments.get(name) is not None}

    def judge(self, name: str, make: Any, seeds: Sequence[int]) -> Judged:
        """Trains what a function makes, once for each seed."""
        qualities = []
        for seed in seeds:
            keras.utils.set_random_seed(seed)
            child = make()
            loss = self._model._compile_loss
            settings = {"optimizer": self._model.optimizer, "loss": self._model.loss}
            child.compile(
                **fresh(settings, "compile"),
                loss_weights=None if loss is None else loss._user_loss_weights,
            )
            child.fit(**self._fit, epochs=self._epochs, verbose=0)
            qualities.append(mean_quality(child, self._quality)(self._data.once()))
            drop_functions(child)
        return Judged(name, tuple(qualities), parameters(child), multiply_adds(child))


def equal_cost(
    space: SearchSpace, cost: Any, like: DNA, count: int, seed: int, sample: int = SAMPLE
) -> list[DNA]:
    """Random architectures, of a sample, that cost what another one does, or nearly."""
    drawn = [dna for dna in dict.fromkeys(space.sample(sample, seed)) if dna != like]
    wanted = max(cost(like), 1)
    apart = {dna: abs(cost(dna) / wanted - 1) for dna in drawn}
    near = [dna for dna in drawn if apart[dna] <= TOLERANCE]
    if len(near) < count:
        near = sorted(drawn, key=apart.__getitem__)
    return near[:count]
