"""Looking into the layers of the user's own while a model is called on symbolic tensors."""

from __future__ import annotations

import contextlib
import inspect
import threading
import warnings
from collections.abc import Iterator
from typing import Any, NoReturn

import keras

from keras_glove.errors import ConversionError
from keras_glove.live.names import attributes, free_name

__all__ = ["Inlining", "names_in"]

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
        self._in_copy = False
        self._training: Any = _ANY_PHASE  # what the call around says

    def __enter__(self) -> Inlining:
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(_PATCH)
        self._original = keras.layers.Layer.__call__
        self._patch("__call__", self.call)
        self._patch("add_loss", _leave_out_loss)
        return self

    def _patch(self, name: str, instead: Any) -> None:
        """Replaces a method of layers, for this thread and outside of copies."""
        original = getattr(keras.layers.Layer, name)
        thread = threading.get_ident()

        def method(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
            ours = not self._in_copy and threading.get_ident() == thread
            return (instead if ours else original)(layer, *args, **kwargs)

        setattr(keras.layers.Layer, name, method)
        self._stack.callback(setattr, keras.layers.Layer, name, original)

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def names(self) -> set[str]:
        """The names of the copies."""
        return self._taken

    def call(self, layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        """What a call of a layer gives on symbolic tensors."""
        training = kwargs.pop("training", None)
        kwargs = {key: value for key, value in kwargs.items() if value is not None}
        before = self._training
        if training is not None:
            self._training = training
        try:
            return self._call(layer, args, kwargs)
        finally:
            self._training = before

    def look_into(self, model: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        """The same for the model as a whole, which is not copied as one layer."""
        if _is_functional(model):
            return self._through_graph(model, *args)
        return self.call(model, *args, **kwargs)

    def _call(self, layer: keras.Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if type(layer) is keras.Sequential:
            return self._through(layer, *args)
        if is_own(layer) and not (_is_functional(layer) and _foreign(layer)):
            return self._on_copy(layer, args, kwargs)
        if _is_functional(layer):
            return self._through_graph(layer, *args)
        _require_no_weights(layer)
        return _call_itself(layer, args, self._with_phase(layer, kwargs))

    def _with_phase(self, layer: keras.Layer, kwargs: dict[str, Any]) -> dict[str, Any]:
        if "training" not in inspect.signature(layer.call).parameters:
            return kwargs
        return {**kwargs, "training": self._training}

    def _tell_of_phase(self, layer: keras.Layer, kwargs: dict[str, Any]) -> None:
        if "training" in kwargs:
            warnings.warn(
                f"{layer.name!r} is called with training={self._training}: in the model that "
                "to_keras makes that holds where `training` is not given, since functional models "
                "of Keras hand what is given on to every layer.",
                stacklevel=2,
            )

    def _through(self, model: keras.Sequential, x: Any) -> Any:
        for layer in model.layers:
            x = self.call(layer, x)
        return x

    def _through_graph(self, model: keras.Model, inputs: Any) -> Any:
        flat = model._standardize_inputs(inputs)
        return model._run_through_graph(flat, operation_fn=_fresh)

    def _on_copy(self, layer: keras.Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._training is not _ANY_PHASE:
            kwargs = self._with_phase(layer, kwargs)
            self._tell_of_phase(layer, kwargs)
        # A layer of Keras may call layers of its own, which are part of it.
        self._in_copy = True
        try:
            return self._original(self._copy(layer), *args, **kwargs)
        finally:
            self._in_copy = False

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
            if not layer.trainable:
                copy.trainable = False
            self._copies[id(layer)] = (layer, copy)
        return self._copies[id(layer)][1]

    def copy_weights(self) -> None:
        """Gives every copy the weights of its original, where that has any yet."""
        for original, copy in self._copies.values():
            if original.built:
                copy.set_weights(original.get_weights())


def _fresh(operation: keras.Operation) -> keras.Operation:
    """An operation between layers for the new model alone; layers are copied when called."""
    if isinstance(operation, keras.Layer):
        return operation
    return type(operation).from_config(operation.get_config())


# -- calls of layers of the user's ---------------------------------------------------------


def _call_itself(layer: keras.Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Does to `layer.call` what `Layer.__call__` does around it: precision and masks."""
    args, kwargs = keras.tree.map_structure(lambda value: _cast(layer, value), (args, kwargs))
    bound = inspect.signature(layer.call).bind(*args, **kwargs).arguments
    given = {name: value for name, value in bound.items() if _is_tensors(value)}
    parameters = inspect.signature(layer.call).parameters
    for name, value in given.items():
        mask = "mask" if len(given) == 1 else f"{name}_mask"
        if mask in parameters:
            kwargs.setdefault(mask, _mask_of(value))
    first = next(iter(given.values()), None)
    previous = kwargs["mask"] if kwargs.get("mask") is not None else _mask_of(first)
    outputs = layer.call(*args, **kwargs)
    if layer.activity_regularizer is not None:
        layer.add_loss(outputs)
    if layer.supports_masking:
        layer._set_mask_metadata(first, outputs, previous)
    return outputs


def _leave_out_loss(layer: keras.Layer, loss: Any) -> None:
    warnings.warn(
        f"The loss that {layer.name!r} ({type(layer).__name__}) adds by `add_loss` does not go "
        "along with the model that to_keras makes.",
        stacklevel=2,
    )


def _cast(layer: keras.Layer, value: Any) -> Any:
    if not isinstance(value, keras.KerasTensor) or not layer._convert_input_args:
        return value
    cast = layer.dtype_policy.convert_input(value, layer.autocast, layer.input_dtype)
    mask = _mask_of(value)
    if mask is not None:
        cast._keras_mask = mask
    return cast


def _is_tensors(value: Any) -> bool:
    leaves = keras.tree.flatten(value)
    return bool(leaves) and all(isinstance(leaf, keras.KerasTensor) for leaf in leaves)


def _mask_of(value: Any) -> Any:
    return keras.tree.map_structure(lambda leaf: getattr(leaf, "_keras_mask", None), value)


# -- which layers are whose ----------------------------------------------------------------


def is_own(layer: keras.Layer) -> bool:
    """Whether a layer is of a class of Keras, which every process with Keras knows.

    A Lambda is not: it holds code.
    """
    return type(layer).__module__.startswith("keras.") and type(layer) is not keras.layers.Lambda


def _is_functional(layer: keras.Layer) -> bool:
    graph = getattr(type(layer), "_run_through_graph", None)
    if graph is None or isinstance(layer, keras.Sequential):
        return False
    owner = next(owner for owner in type(layer).__mro__ if "call" in vars(owner))
    return owner.__module__.startswith("keras.")  # else the user has written what it computes


def _foreign(layer: keras.Layer) -> keras.Layer | None:
    """A layer in a layer, or itself, that is not of Keras."""
    return next((part for part in layer._flatten_layers() if not is_own(part)), None)


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
        keys: dict[int, str] = {}
        for key, part in () if is_own(layer) else attributes(layer):
            if not key[0].startswith("_"):
                keys.setdefault(id(part), "_".join(map(str, key)))
        pending += [
            (part, (*path, keys.get(id(part), part.name)))
            for part in reversed(list(layer._flatten_layers(include_self=False, recursive=False)))
        ]
