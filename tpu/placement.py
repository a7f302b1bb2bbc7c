"""What was chosen to train on, and why."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass

import tensorflow as tf

logger = logging.getLogger("keras_glove.tpu")


@dataclass(frozen=True, eq=False)
class Placement:
    """A distribution strategy, with the reason why it was chosen; `str()` tells it in one line.

    Attributes:
        strategy: what `tf.distribute` needs; every replica holds one copy of the model.
        kind: "one", "mirrored", "multi_worker" or "tpu".
        devices: in words, what the replicas run on.
        reason: why this one, in words.

    Example:
        >>> import keras
        >>> from keras_glove import tpu
        >>> placement = tpu.strategy("one")
        >>> with placement.scope():
        ...     model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> placement.replicas
        1
    """

    strategy: tf.distribute.Strategy
    kind: str
    devices: str
    reason: str

    def __post_init__(self) -> None:
        logger.info("%s", self)

    @property
    def replicas(self) -> int:
        """How many copies of the model share one global batch."""
        return int(self.strategy.num_replicas_in_sync)

    def scope(self) -> AbstractContextManager[tf.distribute.Strategy]:
        """The context in which the variables of a model have to be made."""
        return self.strategy.scope()

    def __str__(self) -> str:
        replicas = "1 replica" if self.replicas == 1 else f"{self.replicas} replicas"
        return f"{self.kind}: {replicas} on {self.devices}; {self.reason}"
