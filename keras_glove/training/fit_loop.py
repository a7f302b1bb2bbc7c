"""The functions by which `fit`, `evaluate` and `predict` of a `keras_glove.Model` run their steps.

Keras asks a model for a function that takes an iterator and runs `steps_per_execution` steps. This
one runs them in one loop of the graph, on all replicas of the model's strategy, and a search can
put its own step and a second source of data beside the first.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any, Protocol

import keras
import tensorflow as tf

from keras_glove.errors import StrategyError
from keras_glove.training import replicas
from keras_glove.training.looping import Loop

__all__ = ["FitLoop", "RunningSearch"]


class RunningSearch(Protocol):
    """What a search is to the loop that runs its steps."""

    batches: Iterator[Any]
    """What the policy learns from, without end; on several replicas a distributed iterator."""

    def train_step(self, data: Any, search_data: Any) -> dict[str, Any]:
        """One step of weights and policy, in replica context."""


class FitLoop:
    """Stands before `keras.Model` among the bases of a model."""

    _search: RunningSearch | None = None

    _passed_over: int = 0
    """Steps of this epoch that are done already, by a training that was broken off."""

    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        """As for any Keras model; a `SearchCallback` is attached to it as long as it runs."""
        given = inspect.signature(keras.Model.fit).bind(self, *args, **kwargs).arguments
        del given["self"]
        callbacks = getattr(given.get("callbacks"), "callbacks", given.get("callbacks"))
        with contextlib.ExitStack() as stack:
            for callback in keras.tree.flatten(callbacks or []):
                if hasattr(callback, "attached"):
                    given = stack.enter_context(callback.attached(self, given))
            self._check_batch(given.get("batch_size"))
            return super().fit(**given)  # type: ignore[misc]

    def _check_batch(self: Any, size: Any) -> None:
        strategy = self.distribute_strategy
        count = strategy.num_replicas_in_sync
        is_tpu = isinstance(strategy, tf.distribute.TPUStrategy)
        if size is None or (size >= count and not (is_tpu and size % count)):
            return
        expected = (
            f"divisible by {count}, the cores of the TPU" if is_tpu else f"of at least {count}"
        )
        raise StrategyError(
            f"Expected a batch_size {expected}, received {size}: it is that of all replicas "
            "together, and each has to get examples."
        )

    def compile(self: Any, *args: Any, **kwargs: Any) -> None:
        """As for any Keras model; on several replicas gradients are then weighted.

        Raises:
          StrategyError: a setting does not work on the replicas of the model's strategy.
        """
        super().compile(*args, **kwargs)  # type: ignore[misc]
        if self.distribute_strategy.num_replicas_in_sync == 1:
            return
        if self.jit_compile and not isinstance(self.distribute_strategy, tf.distribute.TPUStrategy):
            self.jit_compile = self._without_xla(kwargs.get("jit_compile"))
        if self.optimizer is not None and not _sums(self._compile_loss):
            with self.distribute_strategy.scope():
                replicas.weigh_gradients(self.optimizer)

    def _without_xla(self: Any, asked: Any) -> bool:
        if asked is True:
            raise StrategyError(
                "Expected jit_compile to be left alone on the "
                f"{self.distribute_strategy.num_replicas_in_sync} replicas of a "
                f"{type(self.distribute_strategy).__name__}, received True: XLA cannot compile a "
                "step on several devices that are no TPU."
            )
        return False

    def make_train_function(self: Any, force: bool = False) -> Any:
        """Makes the function that `fit` calls; with a search, its steps learn both."""
        if self.train_function is None or force:
            step = self._train_step_on_replica
            self.train_function = Loop(self, step, self._search, trains=True)
        return self.train_function

    def make_test_function(self: Any, force: bool = False) -> Any:
        """Makes the function that `evaluate` calls."""
        if self.test_function is None or force:
            self.test_function = Loop(self, self.test_step)
        return self.test_function

    def _maybe_symbolic_build(self: Any, iterator: Any = None, data_batch: Any = None) -> None:
        """As Keras does it, also where the first batch comes in parts of different sizes."""
        strategy = self._distribute_strategy
        if strategy is None or strategy.num_replicas_in_sync == 1 or iterator is None:
            super()._maybe_symbolic_build(iterator, data_batch)  # type: ignore[misc]
            return
        for _, _, batches in iterator:
            data_batch = keras.tree.map_structure(
                lambda leaf: strategy.experimental_local_results(leaf)[0], next(batches)
            )
            break
        super()._maybe_symbolic_build(data_batch=data_batch)  # type: ignore[misc]

    def _train_step_on_replica(self: Any, data: Any, search_data: Any = None) -> Any:
        """One step in replica context."""
        with replicas.holding_share(data):
            if self._search is not None:
                return self._search.train_step(data, search_data)
            outputs = self.train_step(data)
            self._agree_on_states()
            return outputs

    def _agree_on_states(self: Any) -> None:
        """Averages the moving statistics of the replicas, in replica context."""
        replicas.agree_on_states(replicas.moving_states(self))


def _sums(compile_loss: Any) -> bool:
    """Whether every loss is a sum over examples, which replicas add up as they are."""
    losses: list[Any] = keras.tree.flatten(getattr(compile_loss, "_user_loss", None))
    return bool(losses) and all(getattr(loss, "reduction", None) == "sum" for loss in losses)
