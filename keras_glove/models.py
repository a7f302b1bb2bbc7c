"""Symbolic models: `Model`, `Sequential`, functional models; and weights from model to model."""

from __future__ import annotations

from typing import Any

import keras

from keras_glove.live.bases import base_of
from keras_glove.live.graphs import apply, functional, tensor
from keras_glove.live.reading import read_graph
from keras_glove.live.weights import WeightReport, carry_weights, weight_report
from keras_glove.symbolic import SymbolicConstructor
from keras_glove.symbolic.making import any_node

__all__ = [
    "Model",
    "Sequential",
    "WeightReport",
    "apply",
    "carry_weights",
    "functional",
    "tensor",
    "weight_report",
]


class _ModelConstructor(SymbolicConstructor):
    """`keras.Model`, whose call makes a functional model."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_node(args, kwargs):
            return read_graph(*args, **kwargs)
        return self.__symbolic_target__(*args, **kwargs)


Model: Any = _ModelConstructor(keras.Model, "keras.models.Model", bases=base_of(keras.Model))
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

Sequential: Any = SymbolicConstructor(
    keras.Sequential, "keras.models.Sequential", bases=base_of(keras.Sequential)
)
"""`keras.Sequential`; with an open value among its layers it gives a program.

>>> from keras_glove import Sequential, layers, oneof
>>> Sequential([layers.Dense(oneof([8, 16])), layers.Dense(1)])
Sequential(layers=[Dense(units=oneof([8, 16])), Dense(units=1)])
"""
