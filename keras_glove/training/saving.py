"""What a study keeps of a child that is a Keras model."""

from __future__ import annotations

import contextlib
from pathlib import Path

import keras

from keras_glove.errors import ConversionError
from keras_glove.live import to_keras
from keras_glove.search import save_child


@save_child.register(keras.Model)
def save_model(model: keras.Model, folder: Path) -> None:
    """Writes a model as `child.keras`, with its weights.

    The file holds what `to_keras` makes of the model, so it loads where only Keras is
    installed; or where that cannot be, the model as it is, which loads after its classes
    were registered.

    A search calls it by `save_child`, for the children of its best trials:

    >>> save_child.dispatch(keras.Sequential) is save_model
    True
    """
    with contextlib.suppress(ConversionError):
        model = to_keras(model)
    model.save(folder / "child.keras")
