"""Which keywords the constructors of Keras take through their `**kwargs`.

Keras finds out about an unknown keyword when a child is built, in the middle of a search. With
this table a space is refused when it is written.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras

from keras_glove.symbolic import close_keywords, take_keywords

__all__ = ["TAKEN", "declare_keywords"]

#: Keywords that the `__init__` of a class of `keras.layers` takes out of its `**kwargs`.
TAKEN: Mapping[str, tuple[str, ...]] = {
    "Embedding": ("input_length",),
    "GRU": ("implementation",),
    "GRUCell": ("implementation",),
    "InputLayer": ("input_shape", "batch_input_shape"),
    "IntegerLookup": ("vocabulary_size", "has_input_vocabulary"),
    "LSTM": ("implementation",),
    "LSTMCell": ("implementation",),
    "LayerNormalization": ("rms_scaling",),
    "LeakyReLU": ("alpha",),
    "StringLookup": ("vocabulary_size", "has_input_vocabulary"),
    "TextVectorization": ("vocabulary_size", "has_input_vocabulary"),
}


def declare_keywords() -> None:
    """Tells the symbolic core which keywords are known."""
    close_keywords(keras.layers.Layer, ("input_dim", "input_shape"))
    base_optimizer = next(
        owner for owner in keras.optimizers.Optimizer.__mro__ if owner.__name__ == "BaseOptimizer"
    )
    close_keywords(base_optimizer)
    for name, names in TAKEN.items():
        owner = getattr(keras.layers, name, None)
        if owner is not None:
            take_keywords(owner, names)
