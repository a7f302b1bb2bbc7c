"""Children of a supernet, with weights cut out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_glove.errors import NotShareableError
from keras_glove.weight_sharing.axes import Axes
from keras_glove.weight_sharing.kernels import KernelTransform
from keras_glove.weight_sharing.switch import Switch

__all__ = ["Pair", "cut_out", "layer_pairs", "pairs", "seed_pairs", "transfer"]

Pair = tuple[Any, Any]
"""A variable of the supernet, and the one that it is in the child."""


def transfer(pairs: Iterator[Pair], cut: Callable[[Any], Any]) -> None:
    """Gives the variables of a child what `cut` takes of those of the supernet."""
    for shared, own in pairs:
        value = cut(shared)
        if tuple(value.shape) != tuple(own.shape):
            raise NotShareableError(
                f"Expected the weight {shared.path!r} of the supernet to give the child's "
                f"{own.path!r} of shape {tuple(own.shape)}, received shape {tuple(value.shape)}."
            )
        own.assign(value)


def cut_out(variable: Any, axes: Axes | None, decided: Sequence[Any]) -> np.ndarray[Any, Any]:
    """What is in use of a variable."""
    value = np.asarray(variable.numpy() if hasattr(variable, "numpy") else variable)
    for place, axis in enumerate(axes or ()):
        if axis is not None:
            value = value.take(axis.indices(decided), axis=place)
    return value


def pairs(supernet: Any, child: Any, decided: Sequence[Any]) -> Iterator[Pair]:
    """The variables of a child beside those of the supernet that they are cut from.

    Both were made by the same code, so the same attributes hold what corresponds.
    """
    for shared, own in layer_pairs(supernet, child, decided):
        yield from _own_variables(shared, own)


def seed_pairs(supernet: Any, child: Any, decided: Sequence[Any]) -> Iterator[Pair]:
    """The states of the random generators of both."""
    for shared, own in layer_pairs(supernet, child, decided):
        theirs = [] if shared is None else shared._seed_generators
        for one, other in zip(theirs, own._seed_generators, strict=False):
            yield one.state, other.state


def layer_pairs(supernet: Any, child: Any, decided: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """The layers of a child beside those of the supernet that they are, itself first."""
    seen: set[int] = set()
    pending: list[tuple[Any, Any]] = [(supernet, child)]
    while pending:
        shared, own = pending.pop()
        if isinstance(shared, Switch):
            pending.append((shared.branches[shared.selector.at(decided)], own))
            continue
        if not isinstance(own, keras.Layer) or id(own) in seen:
            continue
        seen.add(id(own))
        if shared is None and not own.variables:  # passes on, as what stands for it in the child
            continue
        yield shared, own
        pending += list(_inside(shared, own))


def _own_variables(shared: Any, own: Any) -> Iterator[Pair]:
    for kind in ("_trainable_variables", "_non_trainable_variables"):
        theirs = [v for v in getattr(shared, kind, ()) if not getattr(v, "is_decision", False)]
        mine, counterpart = getattr(own, kind), getattr(shared, "name", None)
        if len(theirs) != len(mine):
            raise NotShareableError(
                f"Expected {type(own).__name__} {own.name!r} of the child to have as many weights "
                f"as its counterpart {counterpart!r} in the supernet ({len(theirs)}), found "
                f"{len(mine)}. What a layer holds must not depend on an open value, but for the "
                "sizes of the weights."
            )
        yield from zip(theirs, mine, strict=True)


def _inside(shared: Any, own: Any) -> Iterator[tuple[Any, Any]]:
    if hasattr(shared, "pairs_with"):
        yield from shared.pairs_with(own)
    elif _is_container(own):
        yield from zip(_layers(shared), _layers(own), strict=True)
    elif type(own).__module__.startswith("keras."):
        if not own.built:  # it makes its layers then
            return
        parts = shared._flatten_layers(include_self=False, recursive=False)
        theirs = [part for part in parts if not isinstance(part, KernelTransform)]
        mine = own._flatten_layers(include_self=False, recursive=False)
        yield from zip(theirs, mine, strict=True)
    else:
        yield from _in_attributes(shared, own)


def _is_container(layer: Any) -> bool:
    return isinstance(layer, keras.Sequential) or hasattr(layer, "_run_through_graph")


def _layers(model: Any) -> list[Any]:
    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


_OF_KERAS = frozenset({"optimizer", "_optimizer", "loss", "_layers", "_metrics", "_functional"})


def _in_attributes(shared: Any, own: Any) -> Iterator[tuple[Any, Any]]:
    theirs = vars(shared)
    for name, value in vars(own).items():
        if name in _OF_KERAS or name not in theirs:
            continue
        yield from _matching(theirs[name], value)


def _matching(shared: Any, own: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(own, keras.Layer):
        yield shared, own
    elif isinstance(own, dict) and isinstance(shared, dict):
        for key, value in own.items():
            if key in shared:  # Keras keeps dicts with the model itself as a key
                yield from _matching(shared[key], value)
    elif isinstance(own, list | tuple) and isinstance(shared, list | tuple):
        for theirs, mine in zip(shared, own, strict=False):
            yield from _matching(theirs, mine)
