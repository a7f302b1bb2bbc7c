"""For each layer of Keras, and each operation, how it works where widths are open.

A rule says what is in use of the outputs and weights of a call, given what is in use of its inputs.
From that follow masks, updates, children and costs.
"""

from __future__ import annotations

from keras_glove.weight_sharing.rules import (
    attention,
    convolution,
    dense,
    elementwise,
    merging,
    normalization,
    operations,
    recurrent,
    shapes,
    switching,
    wrapping,
)

__all__ = [
    "attention",
    "convolution",
    "dense",
    "elementwise",
    "merging",
    "normalization",
    "operations",
    "recurrent",
    "shapes",
    "switching",
    "wrapping",
]
