"""Steps in one loop of the graph, on all replicas of a strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

__all__ = ["Loop"]

_plain = tf.autograph.experimental.do_not_convert


class Loop:
    """A function of an iterator over batches that runs the steps of one execution.

    It ends early where the data end, with the outputs of the last step that there was.

    Args:
      model: of Keras, compiled.
      step: takes a batch, and one of the search where there is a search; in replica context.
      search: has the batches that are drawn beside the iterator's; None for none.
      trains: whether steps that the model says are done already are passed over.
    """

    def __init__(
        self, model: Any, step: Callable[..., Any], search: Any = None, *, trains: bool = False
    ) -> None:
        self._model, self._search, self._trains = model, search, trains
        self._strategy = model.distribute_strategy
        self._count = int(model.steps_per_execution)
        self._unroll = min(int(model.unrolled_steps_per_execution), max(self._count - 1, 1))
        self._step = step
        self._one = self._inner = self._on_replicas
        self._several = self._steps
        if not model.run_eagerly:
            self._one = tf.function(
                _plain(self._on_replicas),
                reduce_retracing=True,
                jit_compile=model.jit_compile and search is None,
            )
            self._several = tf.function(_plain(self._steps), reduce_retracing=True)
            if self._strategy.num_replicas_in_sync == 1:
                self._inner = self._one

    def __call__(self, iterator: Any) -> Any:
        if self._trains and self._model._passed_over:
            return self._pass_over(iterator)
        drawn = None if self._search is None else self._search.batches
        if isinstance(iterator, tf.data.Iterator | tf.distribute.DistributedIterator):
            return self._several(iterator, drawn)
        return self._eagerly(iterator, drawn)

    def _pass_over(self, iterator: Iterator[Any]) -> Any:
        """Reads the data of steps that are done already."""
        steps = min(self._count, self._model._passed_over)
        for _ in range(steps):
            next(iterator)
        self._model._passed_over -= steps
        return self._model.get_metrics_result()

    def _eagerly(self, iterator: Iterator[Any], drawn: Any) -> Any:
        outputs = None
        for _, data in zip(range(self._count), iterator, strict=False):
            outputs = self._one(data, *self._draw(drawn))
        if outputs is None:
            raise StopIteration
        return self._logs(outputs)

    def _steps(self, iterator: Any, drawn: Any) -> Any:
        if self._model.run_eagerly:
            return self._eagerly(iterator, drawn)
        outputs = self._inner(iterator.get_next(), *self._draw(drawn))
        if self._count > 1:
            outputs = self._rest(iterator, drawn, outputs)
        return self._logs(outputs)

    def _rest(self, iterator: Any, drawn: Any, outputs: Any) -> Any:
        """The steps after the first, by which the form of the outputs is known."""
        outputs = keras.tree.map_structure(tf.convert_to_tensor, outputs)

        def next_step(done: Any, _: Any, outputs: Any) -> Any:
            batch = iterator.get_next_as_optional()
            more = batch.has_value()

            def step() -> Any:
                return self._inner(batch.get_value(), *self._draw(drawn))

            return done + 1, more, tf.cond(more, step, lambda: outputs)

        def goes_on(done: Any, more: Any, _: Any) -> Any:
            return tf.logical_and(done < self._count, more)

        def body(*state: Any) -> Any:
            for place in range(self._unroll):
                if place == 0:
                    state = next_step(*state)
                else:
                    state = tf.cond(
                        goes_on(*state), lambda s=state: next_step(*s), lambda s=state: s
                    )
            return state

        state = tf.constant(1), tf.constant(True), outputs
        return tf.while_loop(
            _plain(goes_on), _plain(body), state, shape_invariants=_any_batch(state)
        )[2]

    def _draw(self, drawn: Any) -> tuple[Any, ...]:
        if drawn is None:
            return ()
        return (next(drawn) if self._model.run_eagerly else drawn.get_next(),)

    def _on_replicas(self, data: Any, *search_data: Any) -> Any:
        outputs = self._strategy.run(_plain(self._on_one), args=(data, *search_data))
        return keras.tree.map_structure(self._mean, outputs)

    def _on_one(self, data: Any, *search_data: Any) -> Any:
        return self._step(keras.tree.map_structure(_present, data), *search_data)

    def _mean(self, value: Any) -> Any:
        if self._strategy.num_replicas_in_sync == 1:
            return value
        if not isinstance(value, tf.distribute.DistributedValues):
            if self._is_multi_worker():
                return self._strategy.reduce("MEAN", value, axis=None)
            return value
        return self._strategy.reduce("MEAN", value, axis=None)

    def _is_multi_worker(self) -> bool:
        return isinstance(self._strategy, tf.distribute.MultiWorkerMirroredStrategy)

    def _logs(self, outputs: Any) -> Any:
        """Outputs in which metrics are those of all replicas together."""
        if self._strategy.num_replicas_in_sync == 1 or not isinstance(outputs, dict):
            return outputs
        known = self._model.get_metrics_result()
        return {name: known.get(name, value) for name, value in outputs.items()}


def _present(leaf: Any) -> Any:
    """None for what is absent in the data, which datasets write as an empty optional."""
    return None if isinstance(leaf, tf.experimental.Optional) else leaf


def _any_batch(state: Any) -> Any:
    """Shapes whose first axis may change from step to step."""
    return keras.tree.map_structure(
        lambda leaf: tf.TensorShape([None, *leaf.shape[1:]]) if leaf.shape.rank else leaf.shape,
        state,
    )
