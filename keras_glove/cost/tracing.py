"""Follows a model's layer calls with the shapes of what goes in and comes out."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import keras
import tensorflow as tf

from keras_glove.cost.products import graph_multiply_adds
from keras_glove.errors import CostError

__all__ = ["LayerCall", "trace"]

_ACTIVE = threading.local()  # .stack: the layer calls that this thread is inside of
_PATCH = threading.RLock()


class LayerCall:
    """One call of a layer, and the calls that its layers made inside of it.

    Args:
        layer: the Keras layer that was called.
        input_shape: shape of the first argument, `(batch, ...)`, or its
            structure (list, tuple or dict) of shapes.
    """

    def __init__(self, layer: keras.Layer, input_shape: Any) -> None:
        self.layer = layer
        self.input_shape = input_shape
        self.output_shape: Any = None  # known when the call is over
        self.calls: list[LayerCall] = []
        self.keywords: dict[str, Any] = {}
        self._graph = tf.compat.v1.get_default_graph()
        self._begin = self._end = self._graph.version

    def __repr__(self) -> str:
        return f"LayerCall({self.layer.name!r}, {self.input_shape} -> {self.output_shape})"

    @property
    def inside(self) -> int:
        """Multiply-adds of the layers that this call used and of products outside of them."""
        from keras_glove.cost.rules import count  # rules are written in terms of calls

        total = graph_multiply_adds(self._own_operations(), owner=f"layer {self.layer.name!r}")
        for call in self.calls:
            part = count(call)
            if part and call._graph is not self._graph:
                raise CostError(
                    f"Expected layer {call.layer.name!r} to run a known number of times in layer "
                    f"{self.layer.name!r}, found it in a loop, a branch or a function of the "
                    f"graph. Register a rule for {type(self.layer).__name__}, for example: "
                    "register_rule(LayerClass, lambda call: steps * count(call.calls[0]))."
                )
            total += part
        return total

    def close(self, outputs: Any) -> None:
        """Notes the shape of the outputs, and where in the graph the call ended."""
        self.output_shape = shapes_of(outputs)
        self._end = self._graph.version

    def _own_operations(self) -> Iterator[Any]:
        """Operations of this call that no call of a layer inside of it made."""
        operations = self._graph.get_operations()
        position = self._begin
        for call in self.calls:
            if call._graph is self._graph:
                yield from operations[position : call._begin]
                position = call._end
        yield from operations[position : self._end]


def shapes_of(structure: Any) -> Any:
    """The structure with each tensor replaced by its shape as a tuple, other leaves by None."""
    return keras.tree.map_structure(
        lambda leaf: tuple(leaf.shape) if hasattr(leaf, "shape") else None, structure
    )


def trace(layer: keras.Layer, args: Sequence[Any], kwargs: Mapping[str, Any]) -> LayerCall:
    """Calls a layer on symbolic tensors (`keras.KerasTensor`); gives the record of that call.

    Nothing is computed; a layer that is not built yet gets built. Layers run as
    in inference.
    """
    if keras.config.backend() != "tensorflow":
        raise CostError(
            "Expected Keras on the TensorFlow backend, on whose graph products are found, "
            f"received {keras.config.backend()!r}. Set KERAS_BACKEND=tensorflow."
        )
    root: list[LayerCall] = []
    failures: list[Exception] = []

    def call(args: Any, kwargs: Any) -> Any:
        try:
            with _recording(root):
                return layer(*args, **kwargs)
        except Exception as error:
            failures.append(error)
            raise

    try:
        _Probe(call)(tuple(args), kwargs=dict(kwargs))
    except Exception:
        if failures:
            raise failures[0] from None  # without what Keras adds, which is about the probe
        raise
    return root[0]


class _Probe(keras.layers.Layer):
    """Runs a function on the symbolic tensors of the backend, with their shapes."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        super().__init__(autocast=False)
        self._convert_input_args = False  # integers stay integers
        self._function = function

    def call(self, args: Any, kwargs: Any) -> Any:
        return self._function(args, kwargs)


@contextlib.contextmanager
def _recording(calls: list[LayerCall]) -> Iterator[None]:
    """Records the layer calls of this thread; other threads call layers as ever."""
    with _PATCH:
        original = keras.layers.Layer.__call__
        keras.layers.Layer.__call__ = _recorded(original)
        _ACTIVE.stack = [calls]
        try:
            yield
        finally:
            keras.layers.Layer.__call__ = original
            del _ACTIVE.stack


def _recorded(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def record(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        stack = getattr(_ACTIVE, "stack", None)
        if stack is None:
            return original(layer, *args, **kwargs)
        first = args[0] if args else next(iter(kwargs.values()), None)
        call = LayerCall(layer, shapes_of(first))
        call.keywords = {name: value for name, value in kwargs.items() if _is_plain(value)}
        stack[-1].append(call)
        stack.append(call.calls)
        try:
            outputs = original(layer, *args, **kwargs)
        finally:
            stack.pop()
        call.close(outputs)
        return outputs

    return cast(Callable[..., Any], record)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))
