"""Searching programs: the loop, its record, and the rules that end trials early.

Knows programs and algorithms, not Keras.
"""

from __future__ import annotations

from keras_glove.errors import TrialPruned
from keras_glove.search import executors, flows
from keras_glove.search.executors import Executor
from keras_glove.search.files import save_child
from keras_glove.search.pruners import (
    HyperbandPruner,
    MedianPruner,
    Pruner,
    SuccessiveHalvingPruner,
)
from keras_glove.search.sampling import Feedback, Samples, sample
from keras_glove.search.searching import default_algorithm, search
from keras_glove.search.study import Study
from keras_glove.search.trial import Trial

__all__ = [
    "Executor",
    "Feedback",
    "HyperbandPruner",
    "MedianPruner",
    "Pruner",
    "Samples",
    "Study",
    "SuccessiveHalvingPruner",
    "Trial",
    "TrialPruned",
    "default_algorithm",
    "executors",
    "flows",
    "sample",
    "save_child",
    "search",
]
