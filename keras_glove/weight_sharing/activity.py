"""`Activity`: which variables of a supernet, and what of them, are in use under which decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_glove.weight_sharing.axes import Axes, mask_of
from keras_glove.weight_sharing.children import cut_out
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.kernels import SizedKernel
from keras_glove.weight_sharing.switch import Switch
from keras_glove.weight_sharing.tables import Table, combine

__all__ = ["Activity", "conditions_in"]

ALWAYS = Table((), np.array(True))
NEVER = Table((), np.array(False))


class Activity:
    """What is active of each variable of a model.

    Args:
      model: a supernet that is built.
      axes: for the id of a variable what is in use of each of its axes, None where all of it.
      moved: what a training step moves, where that is something else.
      made: what makes the value that a child has, where it is another one.
    """

    def __init__(
        self,
        model: keras.Model,
        axes: Mapping[int, Axes],
        moved: Mapping[int, Axes],
        made: Mapping[int, SizedKernel],
    ) -> None:
        self._conditions = conditions_in(model)
        self._axes, self._moved, self._made = axes, moved, made

    def condition(self, variable: Any) -> Table:
        """Under which decisions a variable is used at all."""
        return self._conditions.get(id(variable), ALWAYS)

    def axes(self, variable: Any) -> Axes | None:
        """What is in use of its axes; None where all of it."""
        return self._axes.get(id(variable))

    def moved(self, variable: Any) -> Axes | None:
        """What of its axes a training step moves; None where all of it."""
        return self._moved.get(id(variable), self.axes(variable))

    def value(self, variable: Any, decisions: Decisions) -> Any:
        """The value that a child has, as a tensor as large as the variable."""
        made = self._made.get(id(variable))
        value = ops.convert_to_tensor(variable)
        return value if made is None else made(value, decisions)

    def cut(self, variable: Any, decided: Sequence[Any]) -> np.ndarray[Any, Any]:
        """The value of a child, for one index per decision point."""
        made = self._made.get(id(variable))
        value = variable if made is None else made.decided(variable.value, decided)
        return cut_out(value, self.axes(variable), decided)

    def mask(self, variable: Any, decisions: Decisions) -> Any:
        """What a step moves, a bool tensor that broadcasts to the variable; None for all of it."""
        axes = self.moved(variable)
        mask = None if axes is None else mask_of(axes, decisions, variable.dtype)
        return None if mask is None else mask > 0


def conditions_in(model: keras.Model) -> dict[int, Table]:
    """For the id of each variable below a `Switch` when it is used."""
    found: dict[int, Table] = {}
    pending: list[tuple[Any, Table]] = [(model, ALWAYS)]
    seen: set[tuple[int, Table]] = set()
    while pending:
        layer, condition = pending.pop()
        if (id(layer), condition) in seen:
            continue
        seen.add((id(layer), condition))
        for variable in (*layer._trainable_variables, *layer._non_trainable_variables):
            known = found.get(id(variable), NEVER)
            found[id(variable)] = combine(np.logical_or, known, condition)
        pending += _below(layer, condition)
    return {key: condition for key, condition in found.items() if condition != ALWAYS}


def _below(layer: Any, condition: Table) -> list[tuple[Any, Table]]:
    if not isinstance(layer, Switch):
        inner = layer._flatten_layers(include_self=False, recursive=False)
        return [(part, condition) for part in inner]
    return [
        (branch, combine(np.logical_and, condition, layer.selector.map(_is(index))))
        for index, branch in enumerate(layer.branches)
        if isinstance(branch, keras.Layer)
    ]


def _is(index: int) -> Any:
    return lambda chosen: chosen == index
