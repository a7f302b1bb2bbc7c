"""Contract suites: what a plug-in has to keep, as pytest classes to inherit. Needs pytest."""

from __future__ import annotations

from keras_glove.testing.algorithms import AlgorithmContract
from keras_glove.testing.spaces import SPACES

__all__ = ["SPACES", "AlgorithmContract"]
