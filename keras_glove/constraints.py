"""Symbolic `keras.constraints`.

Generated from the installed Keras: its public names are here. With concrete arguments a class
gives what Keras gives; with an open value in them, a program.
"""

from __future__ import annotations

from typing import Any

import keras

from keras_glove.live import mirror

_MIRROR = mirror(keras.constraints, functions=False)

__all__ = list(_MIRROR)

globals().update(_MIRROR)


def __getattr__(name: str) -> Any:  # for names that are not there, and for type checkers
    raise _MIRROR.missing(name)
