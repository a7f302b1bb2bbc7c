"""Policies: which architecture each step of a supernet trains, and what is learnt from it."""

from __future__ import annotations

from keras_glove.weight_sharing.policies.choices import Choices, Draw
from keras_glove.weight_sharing.policies.darts import DARTS
from keras_glove.weight_sharing.policies.enas import ENAS
from keras_glove.weight_sharing.policies.fair import FairNAS
from keras_glove.weight_sharing.policies.gdas import GDAS
from keras_glove.weight_sharing.policies.policy import Policy
from keras_glove.weight_sharing.policies.reinforce import Reinforce
from keras_glove.weight_sharing.policies.shrinking import ProgressiveShrinking
from keras_glove.weight_sharing.policies.uniform import UniformSampling

__all__ = [
    "DARTS",
    "ENAS",
    "GDAS",
    "Choices",
    "Draw",
    "FairNAS",
    "Policy",
    "ProgressiveShrinking",
    "Reinforce",
    "UniformSampling",
]
