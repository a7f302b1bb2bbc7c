"""Looking into calls of layers, of which Keras itself shows only those of functional models."""

from __future__ import annotations

import abc
import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras

__all__ = ["Looker", "in_thread", "is_functional", "is_looking"]

_PATCH = threading.RLock()
_ORIGINALS: list[tuple[Any, Any, Any]] = []


class Looker(abc.ABC):
    """Is asked about every call of a layer in its thread while it is looking."""

    def __init__(self) -> None:
        self._inside = 0
        self._original: Any = None

    @abc.abstractmethod
    def call(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call of a layer gives."""

    @abc.abstractmethod
    def draw(self) -> Any:
        """The seed of a random number that is drawn outside of layers that stay whole."""

    @abc.abstractmethod
    def add_loss(self, loss: Any) -> None:
        """What becomes of a loss that a call adds which does not stay whole."""

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """While it holds, calls of layers in this thread go through `call`."""
        with _PATCH:
            layer, seeds = keras.layers.Layer, keras.random.SeedGenerator
            before = layer.__call__, seeds.next, layer.add_loss
            # Where a branch is looked into, what was there before the outer model was.
            original, next_seed, keep_loss = _ORIGINALS[0] if _ORIGINALS else before
            _ORIGINALS.append((original, next_seed, keep_loss))
            thread = threading.get_ident()
            self._original = original

            def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
                if self._inside or threading.get_ident() != thread:
                    return original(layer, *args, **kwargs)
                return self.call(layer, args, kwargs)

            def draw(generator: Any, *args: Any, **kwargs: Any) -> Any:
                if self._inside or threading.get_ident() != thread:
                    return next_seed(generator, *args, **kwargs)
                return self.draw()

            def add_loss(layer: Any, loss: Any) -> None:
                if self._inside or threading.get_ident() != thread:
                    keep_loss(layer, loss)
                else:
                    self.add_loss(loss)

            layer.__call__, seeds.next, layer.add_loss = call, draw, add_loss
            try:
                yield
            finally:
                layer.__call__, seeds.next, layer.add_loss = before
                _ORIGINALS.pop()

    def whole(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call of a layer gives that is not looked into."""
        self._inside += 1
        try:
            return self._original(layer, *args, **kwargs)
        finally:
            self._inside -= 1


def is_functional(layer: Any) -> bool:
    """Whether a layer is a functional model, and not a Sequential."""
    return hasattr(layer, "_run_through_graph") and not isinstance(layer, keras.Sequential)


def is_looking() -> bool:
    """Whether anybody looks into calls at this moment."""
    return bool(_ORIGINALS)


def in_thread(function: Callable[..., None], *args: Any) -> None:
    """Calls a function where no graph, scope, phase or replica is current, as one does on top.

    Neither the names that Keras makes up nor its random seeds go on by what the function makes.
    """
    policy, state = keras.config.dtype_policy(), random.getstate()

    def called() -> None:
        keras.config.set_dtype_policy(policy)
        function(*args)

    try:
        with ThreadPoolExecutor(1) as threads:
            threads.submit(called).result()
    finally:
        random.setstate(state)
