"""Symbolic `keras.layers`: `from keras_glove import layers` is the one line to change.

Generated from the installed Keras: its public names are here. With concrete arguments a call
gives what Keras gives; with an open value in them, a program. `Repeat` is the one addition.
"""

from __future__ import annotations

from typing import Any

import keras

from keras_glove.live import mirror
from keras_glove.weight_sharing.repeat import Repeat

_MIRROR = mirror(keras.layers, plain={"InputSpec", "deserialize", "serialize"})

__all__ = [*_MIRROR, "Repeat"]

globals().update(_MIRROR)


def __getattr__(name: str) -> Any:  # for names that are not there, and for type checkers
    raise _MIRROR.missing(name)
