"""`standing_in`: other variables in the place of some, while a function of them is traced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

__all__ = ["standing_in"]


@contextmanager
def standing_in(
    scope: keras.StatelessScope, variables: Sequence[Any], others: Sequence[Any]
) -> Iterator[None]:
    """While it holds, what reads or assigns some variables does so with others.

    Args:
      scope: entered here; values of further variables may be in it.
      variables: of Keras.
      others: of TensorFlow, one for each: arguments of a function that is being traced.
    """
    for variable, other in zip(variables, others, strict=True):
        other._unique_id = variable._value._unique_id  # by which an optimizer finds slots
        scope.state_mapping[id(variable)] = other
    with scope:
        yield
    for variable, other in zip(variables, others, strict=True):
        new = scope.get_current_value(variable)
        if new is not other:
            other.assign(new)
