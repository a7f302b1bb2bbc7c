"""Hyper-values, search spaces and their DNAs; programs made of them and back.

Knows nothing of Keras and of search algorithms.
"""

from keras_glove.hyper.constraints import Constraint, forbid, only, require, satisfies
from keras_glove.hyper.custom import CustomValue
from keras_glove.hyper.dna import DNA
from keras_glove.hyper.evolving import Evolve, evolve
from keras_glove.hyper.points import DecisionPoint, Group
from keras_glove.hyper.rules import Rule, delete, insert, replace
from keras_glove.hyper.selecting import between
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
    opened,
    permutate,
)
from keras_glove.hyper.views import View, constrain

__all__ = [
    "DNA",
    "Constraint",
    "CustomValue",
    "DecisionPoint",
    "Evolve",
    "FloatV",
    "Group",
    "HyperValue",
    "IntV",
    "ManyOf",
    "OneOf",
    "Permutate",
    "Rule",
    "SearchSpace",
    "Template",
    "Traced",
    "View",
    "between",
    "constrain",
    "delete",
    "encode",
    "evolve",
    "floatv",
    "forbid",
    "insert",
    "intv",
    "manyof",
    "materialize",
    "oneof",
    "only",
    "opened",
    "permutate",
    "replace",
    "require",
    "satisfies",
    "trace",
]
