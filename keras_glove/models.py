"""Symbolic models: `Model`, `Sequential`, and functional models."""

from __future__ import annotations

from typing import Any

import keras

from keras_glove.live.bases import base_of
from keras_glove.live.tensors import functional
from keras_glove.symbolic import SymbolicConstructor, is_open
from keras_glove.symbolic.symbolize import any_node, make
from keras_glove.weight_sharing.lowering import lowering
from keras_glove.weight_sharing.models import Model as ModelBase, lower

__all__ = ["Model", "Sequential"]


class _ModelConstructor(SymbolicConstructor):
    """`keras.Model`, whose call makes a functional model."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_node(args, kwargs):
            return make(functional, args, kwargs)
        return self.__symbolic_target__(*args, **kwargs)


class _SequentialConstructor(SymbolicConstructor):
    """`keras.Sequential`, whose call with an open value makes a supernet."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if lowering() is None and any_node(args, kwargs) and is_open((args, kwargs)):
            return lower(make(keras.Sequential, args, kwargs))
        return super().__call__(*args, **kwargs)


Model: Any = _ModelConstructor(keras.Model, "keras.models.Model", bases=(ModelBase,))
"""`keras.Model`, to subclass or to call with `inputs` and `outputs`.

A subclass is symbolic: called with concrete arguments it is a Keras model as ever, and called
with an open value it gives a program, a search space. It is saved with its program, so it needs
no `get_config`. A functional model whose graph holds calls with open values is a space, too.

>>> import keras
>>> from keras_glove import Model, layers, oneof
>>> class Classifier(Model):
...     def __init__(self, width, classes=10):
...         super().__init__()
...         self.hidden = layers.Dense(width, activation="relu")
...         self.head = layers.Dense(classes)
...     def call(self, x):
...         return self.head(self.hidden(x))
>>> isinstance(Classifier(32), keras.Model)
True
>>> Classifier(oneof([16, 32]))
Classifier(width=oneof([16, 32]))
"""

Sequential: Any = _SequentialConstructor(
    keras.Sequential, "keras.models.Sequential", bases=base_of(keras.Sequential)
)
"""`keras.Sequential`; with an open value among its layers it gives a program.

>>> from keras_glove import Sequential, layers, oneof
>>> Sequential([layers.Dense(oneof([8, 16])), layers.Dense(1)])
Sequential(layers=[Dense(units=oneof([8, 16])), Dense(units=1)])
"""
