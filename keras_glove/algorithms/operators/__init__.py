"""Selectors, mutators and recombinators: the parts that evolution is composed of."""

from __future__ import annotations

from keras_glove.algorithms.operators.multi_objective import CrowdedTournament, NonDominated
from keras_glove.algorithms.operators.mutators import Mutator, PerPoint, Uniform, Weighted
from keras_glove.algorithms.operators.operator import Individual, Operator, Pipeline
from keras_glove.algorithms.operators.recombinators import (
    KPointCrossover,
    Recombinator,
    UniformCrossover,
)
from keras_glove.algorithms.operators.selectors import (
    Newest,
    Oldest,
    RandomSelect,
    Top,
    Tournament,
)

__all__ = [
    "CrowdedTournament",
    "Individual",
    "KPointCrossover",
    "Mutator",
    "Newest",
    "NonDominated",
    "Oldest",
    "Operator",
    "PerPoint",
    "Pipeline",
    "RandomSelect",
    "Recombinator",
    "Top",
    "Tournament",
    "Uniform",
    "UniformCrossover",
    "Weighted",
]
