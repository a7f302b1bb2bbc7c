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

from keras_glove.training.lifting import graph_function, is_replicated, is_tracing
from keras_glove.weight_sharing.standing_in import standing_in

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
        if switch.forms is None or not is_tracing() or is_replicated():
            return None
        if not _has_values(switch):
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
        weights = [[v.value for v in vs if v.trainable] for vs in _variables(switch)]
        states = [[v._value for v in vs if not v.trainable] for vs in _variables(switch)]
        try:
            return (function(index, args, weights, states),)
        except _AddsLosses:
            self._functions[key] = None
            return None


def _layers(switch: Switch) -> list[Any]:
    return [branch if isinstance(branch, keras.Layer) else None for branch in switch.branches]


def _variables(switch: Switch) -> list[list[Any]]:
    """The variables of each branch, states of random generators included."""
    return [[] if layer is None else list(layer.variables) for layer in _layers(switch)]


def _has_values(switch: Switch) -> bool:
    """Whether weights have values yet: Keras first builds models without."""
    return all(v._value is not None for variables in _variables(switch) for v in variables)


def _function(switch: Switch, kwargs: dict[str, Any]) -> Callable[..., Any]:
    """The call of a switch as a function of index, arguments, weights and states.

    Weights are given as tensors, to have gradients, and states as variables, to be changed.
    """
    variables = _variables(switch)

    def function(index: Any, args: Any, weights: Any, states: Any) -> Any:
        def runner(place: int) -> Callable[[], Any]:
            def run() -> Any:
                trained = [v for v in variables[place] if v.trainable]
                pairs = list(zip(trained, weights[place], strict=True))
                scope = keras.StatelessScope(pairs, collect_losses=True)
                others = [v for v in variables[place] if not v.trainable]
                with standing_in(scope, others, states[place]):
                    result = switch.runner(place, kwargs)(*args)
                if scope.losses:
                    raise _AddsLosses
                return result

            return run

        return ops.switch(index, [runner(place) for place in range(len(variables))])

    return function
