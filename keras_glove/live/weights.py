"""Carrying weights from one layer or model to another, by place and shape."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from keras_glove.live.inputs import BuiltFor
from keras_glove.live.names import attributes, free_name, is_automatic, snake_case
from keras_glove.symbolic import format_path

__all__ = [
    "WeightReport",
    "carry_weights",
    "freeze_like",
    "places",
    "put_weights",
    "weight_report",
]

Shape = tuple[int, ...]

_REPORTS: weakref.WeakKeyDictionary[Any, WeightReport]


@dataclasses.dataclass(frozen=True)
class WeightReport:
    """What became of the weights of one model in another, by their places.

    Attributes:
      kept: weights that were carried over.
      reshaped: weights of another shape now, which start anew: old and new shape.
      new: weights that were not there before, which start anew.
      gone: weights that are not there any more.
    """

    kept: tuple[str, ...] = ()
    reshaped: Mapping[str, tuple[Shape, Shape]] = dataclasses.field(default_factory=dict)
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every weight was carried over."""
        return not (self.reshaped or self.new or self.gone)

    def __str__(self) -> str:
        total = len(self.kept) + len(self.reshaped) + len(self.new)
        lines = [f"kept {len(self.kept)} of {total} weights"]
        lines += [f"new shape: {p} {old} -> {new}" for p, (old, new) in self.reshaped.items()]
        lines += [f"new: {place}" for place in self.new]
        lines += [f"gone: {place}" for place in self.gone]
        return "\n  ".join(lines)


_REPORTS = weakref.WeakKeyDictionary()


def weight_report(model: keras.Layer) -> WeightReport | None:
    """What became of weights that were carried over to a layer or model.

    None where it did not get any by `carry_weights`, `kg.rebind` or `kg.clone`.
    """
    return _REPORTS.get(model)


def carry_weights(source: keras.Layer, target: keras.Layer) -> WeightReport:
    """Gives a layer or model every weight that another one has at the same place and shape.

    A place is the attributes that lead to a weight, such as `blocks[0].conv.kernel`. In
    sequential and functional models it is the name of the layer, or where it was given none its
    class and number, such as `dense_1.bias`.

    Args:
      source: a layer or model with weights.
      target: one that is like it, as far as places go; where it was not built yet, it is, for
        the inputs of `source`.

    Returns:
      What was carried over, and what was not.

    Raises:
      BuildError: `target` is not built, and the inputs of `source` are not known: call it first.

    >>> old = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2)])
    >>> new = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(3)])
    >>> print(carry_weights(old, new))
    kept 2 of 4 weights
      new shape: dense_1.kernel (8, 2) -> (8, 3)
      new shape: dense_1.bias (2,) -> (3,)
    """
    BuiltFor.of(source).build(target)
    return put_weights(dict(places(source)), target)


def put_weights(values: Mapping[str, Any], target: keras.Layer) -> WeightReport:
    """Gives a built layer or model the values that fit; `values` are by place."""
    kept, reshaped, new = [], {}, []
    there = dict(places(target))
    for place, weight in there.items():
        if place not in values:
            new.append(place)
        elif values[place].shape == weight.shape:
            weight.assign(values[place])
            kept.append(place)
        else:
            reshaped[place] = (tuple(values[place].shape), tuple(weight.shape))
    gone = tuple(place for place in values if place not in there)
    report = WeightReport(tuple(kept), reshaped, tuple(new), gone)
    _REPORTS[target] = report
    return report


def freeze_like(target: keras.Layer, source: keras.Layer) -> None:
    """Freezes the layers in a model that are frozen in another one at the same places."""
    if not source.trainable:
        return  # said by its program
    frozen = {path for path, part in _parts(source) if not part.trainable}
    for path, part in _parts(target):
        if path in frozen:
            part.trainable = False


# -- places --------------------------------------------------------------------------------


def places(layer: keras.Layer) -> Iterator[tuple[str, Any]]:
    """The weights of a layer or model, with their places; a shared one at its first place."""
    seen: set[int] = set()
    for path, part in _parts(layer):
        taken: set[str] = set()
        for weight in (*part._trainable_variables, *part._non_trainable_variables):
            if id(weight) not in seen:
                seen.add(id(weight))
                name = free_name(weight.name, taken)
                taken.add(name)
                yield format_path((*path, name)), weight


def _parts(layer: keras.Layer) -> Iterator[tuple[tuple[Any, ...], keras.Layer]]:
    """A layer and all layers in it with their paths, outer ones first."""
    seen = {id(layer)}
    stack: list[tuple[tuple[Any, ...], keras.Layer]] = [((), layer)]
    while stack:
        path, part = stack.pop()
        yield path, part
        inside = []
        for key, below in _inside(part):
            if id(below) not in seen:
                seen.add(id(below))
                inside.append(((*path, *key), below))
        stack += reversed(inside)


def _inside(layer: keras.Layer) -> Iterator[tuple[tuple[Any, ...], keras.Layer]]:
    """The layers right inside a layer, each with the way to it."""
    is_graph = isinstance(layer, keras.Sequential) or hasattr(layer, "_run_through_graph")
    if not is_graph:
        yield from attributes(layer)
    taken: set[str] = set()
    for part in layer._flatten_layers(include_self=False, recursive=False):
        automatic = is_automatic(type(part), part.name)
        name = free_name(snake_case(type(part).__name__) if automatic else part.name, taken)
        taken.add(name)
        yield (name,), part
