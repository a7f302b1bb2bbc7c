"""Search algorithms, and the operators that evolution is composed of.

They see search spaces and DNA, never programs and never Keras.
"""

from __future__ import annotations

from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.algorithms.bananas import Bananas
from keras_glove.algorithms.dedup import Dedup
from keras_glove.algorithms.evolution import Evolution, RegularizedEvolution
from keras_glove.algorithms.hill_climb import HillClimb
from keras_glove.algorithms.lineage import Lineage
from keras_glove.algorithms.local_search import LocalSearch
from keras_glove.algorithms.mix import Chain, Mix
from keras_glove.algorithms.neighbours import neighbours
from keras_glove.algorithms.nsga2 import NSGA2
from keras_glove.algorithms.objectives import (
    Objectives,
    crowding_distance,
    dominates,
    hypervolume,
    non_dominated_sort,
    pareto_front,
)
from keras_glove.algorithms.operators import (
    CrowdedTournament,
    Individual,
    KPointCrossover,
    Mutator,
    Newest,
    NonDominated,
    Oldest,
    Operator,
    PerPoint,
    Pipeline,
    RandomSelect,
    Recombinator,
    Top,
    Tournament,
    Uniform,
    UniformCrossover,
    Weighted,
)
from keras_glove.algorithms.optuna import Optuna
from keras_glove.algorithms.outcomes import Outcome
from keras_glove.algorithms.policy_gradient import PolicyGradient
from keras_glove.algorithms.random import Random
from keras_glove.algorithms.sweep import Sweep
from keras_glove.algorithms.until import Until
from keras_glove.algorithms.wrapper import Wrapper

__all__ = [
    "NSGA2",
    "Algorithm",
    "Bananas",
    "Chain",
    "CrowdedTournament",
    "Dedup",
    "Evolution",
    "HillClimb",
    "Individual",
    "KPointCrossover",
    "Lineage",
    "LocalSearch",
    "Mix",
    "Mutator",
    "Newest",
    "NonDominated",
    "Objectives",
    "Oldest",
    "Operator",
    "Optuna",
    "Outcome",
    "PerPoint",
    "Pipeline",
    "PolicyGradient",
    "Random",
    "RandomSelect",
    "Recombinator",
    "RegularizedEvolution",
    "Sweep",
    "Top",
    "Tournament",
    "Uniform",
    "UniformCrossover",
    "Until",
    "Weighted",
    "Wrapper",
    "crowding_distance",
    "dominates",
    "hypervolume",
    "neighbours",
    "non_dominated_sort",
    "pareto_front",
]
