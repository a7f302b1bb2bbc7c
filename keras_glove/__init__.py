"""Symbolic programming for AutoML on Keras 3.

A Keras program is annotated with hyper-values; the same program is then searched by any
algorithm. Importing this package registers every class that Keras may have to load.
"""

from __future__ import annotations

from keras_glove import (
    algorithms,
    callbacks as callbacks,
    constraints as constraints,
    cost,
    errors,
    initializers as initializers,
    layers,
    losses as losses,
    metrics as metrics,
    ops,
    optimizers,
    plot,
    regularizers as regularizers,
    tpu,
)
from keras_glove._version import __version__ as __version__
from keras_glove.callbacks import SearchCallback
from keras_glove.hyper import (
    DNA,
    SearchSpace,
    constrain,
    encode,
    evolve,
    floatv,
    intv,
    manyof,
    materialize,
    oneof,
    permutate,
    trace,
)
from keras_glove.live import clone, rebind, to_keras
from keras_glove.models import Model, Sequential
from keras_glove.search import Study, executors, flows, sample, search
from keras_glove.symbolic import (
    build,
    diff,
    from_json,
    partial,
    program,
    query,
    symbolize,
    to_json,
)
from keras_glove.training import FitObjective

__all__ = [
    "DNA",
    "FitObjective",
    "Model",
    "SearchCallback",
    "SearchSpace",
    "Sequential",
    "Study",
    "algorithms",
    "build",
    "clone",
    "constrain",
    "cost",
    "diff",
    "encode",
    "errors",
    "evolve",
    "executors",
    "floatv",
    "flows",
    "from_json",
    "intv",
    "layers",
    "manyof",
    "materialize",
    "oneof",
    "ops",
    "optimizers",
    "partial",
    "permutate",
    "plot",
    "program",
    "query",
    "rebind",
    "sample",
    "search",
    "symbolize",
    "to_json",
    "to_keras",
    "tpu",
    "trace",
]
