"""Functional models as flat programs: layers by name, and the tensors that calls of them give.

However many layers a model has, its program is a few levels deep: each call refers by name to
the layer that it calls, and to the tensors that it is made on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras

from keras_glove.errors import BuildError
from keras_glove.symbolic import call, register, transform
from keras_glove.symbolic.building import note

__all__ = ["apply", "functional", "part", "tensor"]


@dataclasses.dataclass(frozen=True, eq=False)
class _Applied:
    """A call that is made where the model is."""

    function: str | Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class _Reference:
    name: str
    index: int | None


def functional(
    layers: Mapping[str, Callable[..., Any]],
    tensors: Mapping[str, Any],
    inputs: Any,
    outputs: Any,
    name: str | None = None,
    trainable: bool = True,
) -> keras.Model:
    """A functional model; what `kg.program` gives for one is a program of this function.

    Args:
      layers: layers by names of your choice; a layer that is called twice stands here once.
      tensors: inputs (`keras.Input`), and calls (`apply`), which may refer to tensors above them.
      inputs: a tensor (`tensor("name")`), or a list or dict of tensors.
      outputs: likewise.
      name: of the model.
      trainable: False freezes every layer; True leaves each as it is.

    Raises:
      BuildError: the name of a layer or tensor that is not there.

    >>> model = functional(
    ...     layers={"dense": keras.layers.Dense(2)},
    ...     tensors={"x": keras.Input((3,)), "y": apply("dense", tensor("x"))},
    ...     inputs=tensor("x"),
    ...     outputs=tensor("y"),
    ... )
    >>> model.output_shape
    (None, 2)
    """
    graph = _Graph(layers)
    for key, value in tensors.items():
        graph.add(key, value)
    model = keras.Model(graph.resolved(inputs), graph.resolved(outputs), name=name)
    if not trainable:
        model.trainable = False
    return model


def apply(function: str | Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """A call within a functional model.

    Args:
      function: the name of a layer of the model; or a layer or function itself.
      *args: what it is called on; tensors of the model by `tensor`, also in lists and dicts.
      **kwargs: keyword arguments, likewise.
    """
    return _Applied(function, args, kwargs)


def tensor(name: str, index: int | None = None, /) -> Any:
    """A tensor of a functional model, within its program.

    Args:
      name: its key in `tensors`.
      index: which one where the call has given several, counted as `keras.tree.flatten` does.
    """
    return _Reference(name, index)


def part(of: Any, index: int) -> Any:
    """One of several tensors, counted as `keras.tree.flatten` does."""
    return keras.tree.flatten(of)[index]


for _function in (functional, apply, tensor, part):
    register(_function, f"keras_glove.{_function.__name__}")


class _Graph:
    """The tensors that calls have given so far."""

    def __init__(self, layers: Mapping[str, Callable[..., Any]]) -> None:
        self._layers = layers
        self._tensors: dict[str, Any] = {}
        self._made: dict[_Applied, Any] = {}

    def add(self, key: str, value: Any) -> None:
        try:
            self._tensors[key] = self.resolved(value)
        except Exception as error:
            note(error, f"in the call that gives the tensor {key!r}")
            raise

    def resolved(self, value: Any) -> Any:
        """A value with tensors in place of calls and references."""
        return transform(value, self._resolved)

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, _Reference):
            # One tensor, also where the call gave a list of one.
            return part(_named("tensor", self._tensors, value.name), value.index or 0)
        if isinstance(value, _Applied):
            if value not in self._made:
                self._made[value] = self._call(value)
            return self._made[value]
        return value

    def _call(self, applied: _Applied) -> Any:
        function = applied.function
        if isinstance(function, str):
            function = _named("layer", self._layers, function)
        return call(function, *self.resolved(applied.args), **self.resolved(applied.kwargs))


def _named(what: str, known: Mapping[str, Any], name: str) -> Any:
    if name not in known:
        raise BuildError(f"Expected the name of a {what} among {list(known)}, received {name!r}.")
    return known[name]
