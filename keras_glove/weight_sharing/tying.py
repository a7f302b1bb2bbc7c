"""`tie`: several layers hold one set of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

__all__ = ["tie"]


def tie(layers: Sequence[Any]) -> None:
    """Lets the layers after the first use its weights, from when they are built on.

    The first has to be built before the others. A weight of another shape than the first layer's
    is each layer's own. Layers that hold layers keep weights of their own.
    """
    first = layers[0]
    if any(len(list(layer._flatten_layers())) > 1 for layer in layers):
        return
    for layer in layers[1:]:
        object.__setattr__(layer, "add_weight", _Taker(layer, first))


class _Taker:
    """Stands in for `add_weight` of a layer: gives the weights of another one by one."""

    def __init__(self, layer: keras.Layer, source: keras.Layer) -> None:
        self._layer, self._source, self._taken = layer, source, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        variables = [*self._source._trainable_variables, *self._source._non_trainable_variables]
        by_name = {variable.name: variable for variable in variables}
        variable = by_name.get(kwargs["name"])
        shape = kwargs.get("shape", args[0] if args else None)
        if variable is None or tuple(variable.shape) != tuple(shape or ()):
            return keras.Layer.add_weight(self._layer, *args, **kwargs)
        self._layer._track_variable(variable)
        return variable
