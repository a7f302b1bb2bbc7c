"""New callbacks for every training, from those that an objective was given."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras

from keras_glove.callbacks.report_to_trial import RunningTrial
from keras_glove.errors import TrainingError
from keras_glove.training.arguments import described

#: One or more callbacks to copy for each trial, or a function of the trial that makes them.
Callbacks: TypeAlias = (
    "keras.callbacks.Callback | Sequence[keras.callbacks.Callback] | "
    "Callable[[RunningTrial | None], Sequence[keras.callbacks.Callback]]"
)


class CallbackSource:
    """Makes the callbacks of a trial, so that none carries state into the next.

    Raises:
        TrainingError: if `callbacks` is neither callbacks nor a function.

    >>> source = CallbackSource(keras.callbacks.EarlyStopping(patience=2))
    >>> first, second = source(None), source(None)
    >>> first[0].patience, first[0] is second[0]
    (2, False)
    """

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks: Any = callbacks
        if isinstance(callbacks, keras.callbacks.Callback):
            self._callbacks = [callbacks]
        elif not callable(callbacks):
            _check(callbacks)

    def __call__(self, trial: RunningTrial | None) -> list[keras.callbacks.Callback]:
        """The callbacks for a trial, None outside of a search.

        Raises:
            TrainingError: if they cannot be copied, or the function returns something else.
        """
        if callable(self._callbacks):
            made = self._callbacks(trial)
            _check(made)
            return list(made)
        try:
            return copy.deepcopy(list(self._callbacks))
        except Exception as error:
            raise TrainingError(
                f"the callbacks cannot be copied for each trial ({error}); give a function that "
                "takes the trial and returns new ones."
            ) from error


def _check(callbacks: Any) -> None:
    items = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    for item in items:
        if not isinstance(item, keras.callbacks.Callback):
            raise TrainingError(
                "expected callbacks to be keras.callbacks.Callback instances, or a function that "
                f"takes the trial and returns a list of them, received {described(item)}."
            )
