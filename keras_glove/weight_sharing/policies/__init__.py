"""Policies: which architecture each step of a supernet trains, and what is learnt from it."""

from __future__ import annotations

from keras_glove.weight_sharing.policies.choices import Choices, Draw
from keras_glove.weight_sharing.policies.policy import Policy
from keras_glove.weight_sharing.policies.reinforce import Reinforce
from keras_glove.weight_sharing.policies.uniform import UniformSampling

__all__ = ["Choices", "Draw", "Policy", "Reinforce", "UniformSampling"]
