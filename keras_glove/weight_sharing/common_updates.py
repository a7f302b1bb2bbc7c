"""Updates of like sets of variables, traced once for all of them.

What `common_calls` is to the calls of like switches, this is to the steps of an optimizer: networks
are made of equal stages, so the update of one set of variables is a function that serves the next.
The variables are its arguments, so the branches that did not run touch nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops, optimizers

from keras_glove.training.lifting import graph_function, is_replicated, is_tracing
from keras_glove.weight_sharing.standing_in import standing_in

__all__ = ["CommonUpdates"]

_KNOWN = (
    optimizers.SGD,
    optimizers.RMSprop,
    optimizers.Adam,
    optimizers.AdamW,
    optimizers.Adagrad,
    optimizers.Adadelta,
    optimizers.Adamax,
    optimizers.Lion,
)
"""Those whose step for a variable depends on nothing but it, its slots, and the iteration."""

Step = Callable[[Any, Any, Any], None]


class CommonUpdates:
    """The functions of one optimizer.

    Args:
      optimizer: of Keras, without loss scaling around it.
      step: the update of one variable, as a function of it, its gradient and the learning rate.
    """

    def __init__(self, optimizer: Any, step: Step) -> None:
        self._optimizer = optimizer
        self._step = step
        self._functions: dict[Any, Callable[..., Any]] = {}

    def serves(self) -> bool:
        """Whether updates can be had here: in a graph of one replica, for known optimizers."""
        return type(self._optimizer) in _KNOWN and is_tracing() and not is_replicated()

    def update(
        self,
        index: Any,
        patterns: Sequence[Sequence[bool]],
        touched: Sequence[Sequence[Any]],
        gradients: Sequence[Any],
        rate: Any,
    ) -> None:
        """Updates those of some variables that are active.

        Args:
          index: of the pattern.
          patterns: which of the variables are active together.
          touched: for each variable it and its slots.
          gradients: one for each variable.
          rate: the learning rate, a tensor.
        """
        decays = tuple(self._optimizer._use_weight_decay(own[0]) for own in touched)
        forms = tuple(tuple((tuple(v.shape), v.dtype) for v in own) for own in touched)
        key = (tuple(map(tuple, patterns)), forms, decays)
        if key not in self._functions:
            self._functions[key] = graph_function(self._function(patterns, touched))
        values = [[variable._value for variable in own] for own in touched]
        self._functions[key](index, values, list(gradients), rate)

    def _function(
        self, patterns: Sequence[Sequence[bool]], touched: Sequence[Sequence[Any]]
    ) -> Callable[..., Any]:
        def function(index: Any, values: Any, gradients: Any, rate: Any) -> None:
            def runner(pattern: Sequence[bool]) -> Callable[[], Any]:
                def run() -> Any:
                    for place, active in enumerate(pattern):
                        if active:
                            own, given = touched[place], values[place]
                            with standing_in(keras.StatelessScope(), own, given):
                                self._step(own[0], gradients[place], rate)
                    return ops.convert_to_tensor(0)

                return run

            ops.switch(index, [runner(pattern) for pattern in patterns])

        return function
