"""The functions by which `fit` of a `keras_glove.Model` runs its steps.

Keras asks a model for a function that takes an iterator and runs `steps_per_execution` steps. This
one runs them in one loop of the graph, on all replicas of the model's strategy, and a search can
put its own step and a second source of data beside the first.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import keras
import tensorflow as tf

__all__ = ["FitLoop", "RunningSearch"]

Function = Callable[[Any], Any]


class RunningSearch(Protocol):
    """What a search is to the loop that runs its steps."""

    batches: Iterator[Any]
    """What the policy learns from, without end; on several replicas a distributed iterator."""

    def train_step(self, data: Any, search_data: Any) -> dict[str, Any]:
        """One step of weights and policy, in replica context."""


class FitLoop:
    """Stands before `keras.Model` among the bases of a model."""

    _search: RunningSearch | None = None

    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        """As for any Keras model; a `SearchCallback` is attached to it as long as it runs."""
        given = inspect.signature(keras.Model.fit).bind(self, *args, **kwargs).arguments
        del given["self"]
        callbacks = getattr(given.get("callbacks"), "callbacks", given.get("callbacks"))
        with contextlib.ExitStack() as stack:
            for callback in keras.tree.flatten(callbacks or []):
                if hasattr(callback, "attached"):
                    given = stack.enter_context(callback.attached(self, given))
            return super().fit(**given)  # type: ignore[misc]

    def make_train_function(self: Any, force: bool = False) -> Any:
        """Makes the function that `fit` calls; with a search, its steps learn both."""
        if self._search is None:
            return super().make_train_function(force)  # type: ignore[misc]
        if self.train_function is None or force:
            self.train_function = _looped(self, self._search)
        return self.train_function


def _looped(model: Any, search: RunningSearch) -> Function:
    """A function of the iterator over training data that runs the steps of one execution."""
    strategy, count = model.distribute_strategy, model.steps_per_execution

    def one_step(data: Any, search_data: Any) -> Any:
        outputs = strategy.run(search.train_step, args=(data, search_data))
        return keras.tree.map_structure(lambda value: _mean(strategy, value), outputs)

    def steps(iterator: Any, search_iterator: Any) -> Any:
        outputs = one_step(iterator.get_next(), search_iterator.get_next())
        for _ in tf.range(count - 1):
            batch = iterator.get_next_as_optional()
            if batch.has_value():  # else the epoch ends within this execution
                outputs = one_step(batch.get_value(), search_iterator.get_next())
        return outputs

    if model.run_eagerly:

        def eagerly(iterator: Any) -> Any:
            outputs = None
            for _ in range(count):
                outputs = one_step(next(iterator), next(search.batches))
            return outputs

        return eagerly
    compiled = tf.function(steps, reduce_retracing=True)
    return lambda iterator: compiled(iterator, search.batches)


def _mean(strategy: Any, value: Any) -> Any:
    if strategy.num_replicas_in_sync == 1:
        return value
    return tf.reduce_mean(tf.stack(strategy.experimental_local_results(value)), axis=0)
