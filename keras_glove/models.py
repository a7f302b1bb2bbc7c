"""Symbolic models: `Model`, `Sequential`, functional models; and weights from model to model."""

from __future__ import annotations

from typing import Any

import keras

from keras_glove.live.graphs import apply, functional, tensor
from keras_glove.live.reading import read_graph
from keras_glove.live.weights import WeightReport, carry_weights, weight_report
from keras_glove.symbolic import SymbolicConstructor, is_open
from keras_glove.symbolic.making import any_node
from keras_glove.weight_sharing.lowering import lowering
from keras_glove.weight_sharing.models import Model as ModelBase, SequentialBase, lower

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


class _SequentialConstructor(SymbolicConstructor):
    """`keras.Sequential`, whose call with an open value makes a supernet."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if lowering() is None and any_node(args, kwargs) and is_open((args, kwargs)):
            return lower(super().__call__(*args, **kwargs))
        return super().__call__(*args, **kwargs)


Model: Any = _ModelConstructor(keras.Model, "keras.models.Model", bases=(ModelBase, keras.Model))
"""`keras.Model`, to subclass or to call with `inputs` and `outputs`.

A subclass is symbolic: called with concrete arguments it is a Keras model as ever. Called with an
open value it is a supernet: a Keras model, too, that holds the weights of all children of that
search space, and computes what the child does which it is set to (`decide`). `kg.program(model)`
is the space itself; `kg.program(Classifier, width=oneof([16, 32]))` is that without any model.
It is saved with its program, so it needs no `get_config`. A functional model whose graph holds
calls with open values is a space.

>>> import keras
>>> from keras_glove import DNA, Model, layers, oneof, program
>>> class Classifier(Model):
...     def __init__(self, width, classes=10):
...         super().__init__()
...         self.hidden = layers.Dense(width, activation="relu")
...         self.head = layers.Dense(classes)
...     def call(self, x):
...         return self.head(self.hidden(x))
>>> isinstance(Classifier(32), keras.Model)
True
>>> model = Classifier(oneof([16, 32]))
>>> isinstance(model, Classifier), program(model)
(True, Classifier(width=oneof([16, 32])))
>>> model(keras.ops.ones((1, 8))).shape
TensorShape([1, 10])
>>> model.child(DNA((0,))).hidden.units
16
"""

Sequential: Any = _SequentialConstructor(
    keras.Sequential, "keras.models.Sequential", bases=(SequentialBase, keras.Sequential)
)
"""`keras.Sequential`; with an open value among its layers it is a supernet.

>>> from keras_glove import Sequential, layers, oneof, program
>>> program(Sequential([layers.Dense(oneof([8, 16])), layers.Dense(1)]))
Sequential(layers=[Dense(units=oneof([8, 16])), Dense(units=1)])
"""
