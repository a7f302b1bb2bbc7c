"""Weight sharing: models with open values are supernets, and any child is cut out of them."""

from __future__ import annotations

from keras_glove.weight_sharing.cost import (
    Formula,
    activations,
    count_activations,
    multiply_adds,
    parameters,
)
from keras_glove.weight_sharing.decisions import Codec, Decisions
from keras_glove.weight_sharing.given_costs import GivenCosts, given_costs
from keras_glove.weight_sharing.models import supernet
from keras_glove.weight_sharing.repeat import Repeat
from keras_glove.weight_sharing.supernet import Supernet
from keras_glove.weight_sharing.switch import Switch

__all__ = [
    "Codec",
    "Decisions",
    "Formula",
    "GivenCosts",
    "Repeat",
    "Supernet",
    "Switch",
    "activations",
    "count_activations",
    "given_costs",
    "multiply_adds",
    "parameters",
    "supernet",
]
