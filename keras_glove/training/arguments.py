"""Checks of arguments that go on to Keras, before anything is trained."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable
from typing import Any

import keras

from keras_glove.errors import TrainingError

#: Arguments of `fit` that are free: the others are what an objective is about.
FIT_ARGUMENTS = frozenset(inspect.signature(keras.Model.fit).parameters) - {
    "self",
    "x",
    "y",
    "sample_weight",
    "validation_data",
    "callbacks",
    "verbose",
}
COMPILE_ARGUMENTS = frozenset(inspect.signature(keras.Model.compile).parameters) - {"self"}


def check_names(names: Iterable[str], allowed: frozenset[str], expected: str) -> None:
    """Raises TrainingError for a name that is not allowed, with the closest that is.

    >>> check_names(["class_wieght"], FIT_ARGUMENTS, "arguments of `keras.Model.fit`")
    Traceback (most recent call last):
        ...
    keras_glove.errors.TrainingError: expected arguments of `keras.Model.fit`, received \
'class_wieght'; did you mean 'class_weight'?
    """
    for name in names:
        if name not in allowed:
            close = difflib.get_close_matches(str(name), allowed, n=1)
            raise TrainingError(
                f"expected {expected}, received {name!r}"
                + (f"; did you mean {close[0]!r}?" if close else ".")
            )


def check_integer(name: str, value: Any, low: int) -> None:
    """Raises TrainingError unless `value` is an integer of at least `low`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise TrainingError(
            f"expected {name} to be an integer of at least {low}, received {value!r}."
        )


def described(value: Any) -> str:
    """Type and shortened text of a value, for messages."""
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 80 else text[:77] + '...'}"
