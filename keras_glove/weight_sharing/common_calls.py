"""Calls of like switches, traced once for all of them.

A branch of the graph, and its gradient, take long to trace. Networks are made of equal stages,
whose switches differ in nothing but weights; so what they do is one function of weights, decision
and input, traced for the first of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_glove.training.lifting import graph_function, is_tracing

if TYPE_CHECKING:
    from keras_glove.weight_sharing.switch import Switch

__all__ = ["CommonCalls"]


class _AddsLosses(Exception):
    """A branch adds a loss, which a function of its own could not hand out."""


class CommonCalls:
    """The functions of the switches of one supernet."""

    def __init__(self) -> None:
        self._functions: dict[Any, Callable[..., Any] | None] = {}

    def call(self, switch: Switch, args: Any, kwargs: dict[str, Any], index: Any) -> Any:
        """The result of a call in a tuple; None where the switch has to make it itself.

        Args:
          switch: a built one.
          args, kwargs: of the call.
          index: of the branch.
        """
        if switch.forms is None or not is_tracing() or not _has_values(switch):
            return None
        tensors = keras.tree.flatten(args)
        shapes = tuple((tuple(x.shape), str(x.dtype)) for x in tensors)
        options = tuple(sorted((name, repr(value)) for name, value in kwargs.items()))
        key = (switch.forms, shapes, options, switch.compute_dtype, len(args))
        if key not in self._functions:
            self._functions[key] = graph_function(_function(switch, kwargs))
        function = self._functions[key]
        if function is None:
            return None
        try:
            results, states = function(
                index, args, [[v.value for v in vs] for vs in _weights(switch)]
            )
        except _AddsLosses:
            self._functions[key] = None
            return None
        for variables, values in zip(_states(switch), states, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return (results,)


def _layers(switch: Switch) -> list[Any]:
    return [branch if isinstance(branch, keras.Layer) else None for branch in switch.branches]


def _weights(switch: Switch) -> list[list[Any]]:
    """The variables of each branch, states of random generators included."""
    return [[] if layer is None else list(layer.variables) for layer in _layers(switch)]


def _states(switch: Switch) -> list[list[Any]]:
    """Those that a call can change."""
    return [[v for v in variables if not v.trainable] for variables in _weights(switch)]


def _has_values(switch: Switch) -> bool:
    """Whether weights have values yet: Keras first builds models without."""
    return all(v._value is not None for variables in _weights(switch) for v in variables)


def _function(switch: Switch, kwargs: dict[str, Any]) -> Callable[..., Any]:
    """The call of a switch as a function of index, arguments and weights."""
    variables, states = _weights(switch), _states(switch)

    def function(index: Any, args: Any, weights: Any) -> Any:
        before = [
            [value for v, value in zip(vs, values, strict=True) if not v.trainable]
            for vs, values in zip(variables, weights, strict=True)
        ]

        def runner(place: int) -> Callable[[], Any]:
            def run() -> Any:
                pairs = list(zip(variables[place], weights[place], strict=True))
                with keras.StatelessScope(pairs, collect_losses=True) as scope:
                    result = switch.runner(place, kwargs)(*args)
                if scope.losses:
                    raise _AddsLosses
                after = [scope.get_current_value(v) for v in states[place]]
                return result, [*before[:place], after, *before[place + 1 :]]

            return run

        return ops.switch(index, [runner(place) for place in range(len(variables))])

    return function
