"""Looking into the layers of the user's own while a model is called on symbolic tensors."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

import keras

from keras_glove.errors import ConversionError
from keras_glove.live.names import free_name

__all__ = ["Inlining"]

_PATCH = threading.RLock()


class _AnyPhase:
    """What `training` is inside: to be passed on, since who calls the new model decides it."""

    def __bool__(self) -> NoReturn:
        raise ConversionError(
            "Expected `call` to hand `training` on to layers, received Python code that asks for "
            "it (`if training:`): a model of Keras alone cannot. Use a layer that does by itself "
            "what depends on the phase, such as Dropout."
        )


_ANY_PHASE = _AnyPhase()


class Inlining:
    """While it holds, a call of a layer of Keras is made on a copy, and any other looked into.

    Args:
      names: for the id of each layer the name of its copy.
    """

    def __init__(self, names: dict[int, str]) -> None:
        self._names = names
        self._copies: dict[int, tuple[keras.Layer, keras.Layer]] = {}
        self._taken: set[str] = set()
        self._copied = False

    def __enter__(self) -> Inlining:
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(_PATCH)
        self._original = keras.layers.Layer.__call__
        thread = threading.get_ident()

        def inlined(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
            if self._copied or threading.get_ident() != thread:
                return self._original(layer, *args, **kwargs)
            return self.call(layer, *args, **kwargs)

        keras.layers.Layer.__call__ = inlined
        self._stack.callback(setattr, keras.layers.Layer, "__call__", self._original)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def call(self, layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        """What a call of a layer gives on symbolic tensors."""
        kwargs = {k: v for k, v in kwargs.items() if v is not None and v is not _ANY_PHASE}
        if isinstance(layer, keras.Sequential):
            return self._through(layer, *args)
        if _is_functional(layer) and not _foreign(layer):
            return self._on_copy(layer, args, kwargs)
        if _is_functional(layer):
            return layer._run_through_graph(*args, operation_fn=lambda operation: operation)
        if _is_own(layer):
            return self._on_copy(layer, args, kwargs)
        _require_no_weights(layer)
        if "training" in inspect.signature(layer.call).parameters:
            kwargs.setdefault("training", _ANY_PHASE)
        return layer.call(*args, **kwargs)

    def _through(self, model: keras.Sequential, x: Any) -> Any:
        for layer in model.layers:
            x = self.call(layer, x)
        return x

    def _on_copy(self, layer: keras.Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # A layer of Keras may call layers of its own, which are part of it.
        self._copied = True
        try:
            return self._original(self._copy(layer), *args, **kwargs)
        finally:
            self._copied = False

    def _copy(self, layer: keras.Layer) -> keras.Layer:
        if id(layer) not in self._copies:
            foreign = _foreign(layer)
            if foreign is not None:
                raise ConversionError(
                    f"Expected {layer.name!r} ({type(layer).__name__}) to hold layers of Keras, "
                    f"received a {type(foreign).__name__} in it, which Keras alone does not "
                    "know. Call the inner layer in the `call` of a layer of your own instead."
                )
            name = free_name(self._names.get(id(layer), layer.name), self._taken)
            self._taken.add(name)
            copy = type(layer).from_config({**layer.get_config(), "name": name})
            copy.trainable = layer.trainable
            self._copies[id(layer)] = (layer, copy)
        return self._copies[id(layer)][1]

    def copy_weights(self) -> None:
        """Gives every copy the weights of its original, where that has any yet."""
        for original, copy in self._copies.values():
            if original.built:
                copy.set_weights(original.get_weights())


def _is_own(layer: keras.Layer) -> bool:
    """Whether a layer is of a class of Keras, which every process with Keras knows."""
    return type(layer).__module__.startswith("keras.")


def _is_functional(layer: keras.Layer) -> bool:
    return hasattr(layer, "_run_through_graph") and not isinstance(layer, keras.Sequential)


def _foreign(layer: keras.Layer) -> keras.Layer | None:
    """A layer in a layer, or itself, that is not of Keras."""
    return next((part for part in layer._flatten_layers() if not _is_own(part)), None)


def _require_no_weights(layer: keras.Layer) -> None:
    below = {id(w) for part in layer._flatten_layers(include_self=False) for w in part.variables}
    own = [weight.path for weight in layer.weights if id(weight) not in below]
    if own:
        raise ConversionError(
            f"Expected the weights of {layer.name!r} ({type(layer).__name__}) to be those of "
            f"layers of Keras in it, received weights of its own: {', '.join(own)}. Hold them in "
            "a layer of Keras (Dense, EinsumDense, ...), or save the child itself and load it "
            "where its class is imported."
        )


def names_in(model: keras.Layer) -> Iterator[tuple[int, str]]:
    """For the id of each layer in a model a name made of the attributes that lead to it."""
    seen: set[int] = set()
    pending: list[tuple[keras.Layer, tuple[str, ...]]] = [(model, ())]
    while pending:
        layer, path = pending.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        yield id(layer), "_".join(path) or layer.name
        attributes = {id(part): key for key, part in _attributes(layer)}
        pending += [
            (part, (*path, attributes.get(id(part), part.name)))
            for part in reversed(list(layer._flatten_layers(include_self=False, recursive=False)))
        ]


def _attributes(layer: keras.Layer) -> Iterator[tuple[str, keras.Layer]]:
    """Layers that stand in attributes, or in lists and dicts there, with a name for the place."""
    if _is_own(layer):
        return
    for name, value in vars(layer).items():
        if name.startswith("_") or not isinstance(value, keras.Layer | list | tuple | dict):
            continue
        for path, part in keras.tree.flatten_with_path(value):
            if isinstance(part, keras.Layer):
                yield "_".join(map(str, (name, *path))), part
