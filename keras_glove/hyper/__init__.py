"""Hyper-values, search spaces and their DNAs; programs made of them and back.

Knows nothing of Keras and of search algorithms.
"""

from keras_glove.hyper.dna import DNA
from keras_glove.hyper.points import DecisionPoint, Group
from keras_glove.hyper.space import SearchSpace
from keras_glove.hyper.template import Template, encode, materialize
from keras_glove.hyper.tracing import Traced, trace
from keras_glove.hyper.values import (
    FloatV,
    HyperValue,
    IntV,
    ManyOf,
    OneOf,
    Permutate,
    floatv,
    intv,
    manyof,
    oneof,
    permutate,
)

__all__ = [
    "DNA",
    "DecisionPoint",
    "FloatV",
    "Group",
    "HyperValue",
    "IntV",
    "ManyOf",
    "OneOf",
    "Permutate",
    "SearchSpace",
    "Template",
    "Traced",
    "encode",
    "floatv",
    "intv",
    "manyof",
    "materialize",
    "oneof",
    "permutate",
    "trace",
]
