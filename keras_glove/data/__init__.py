"""Data sets of the examples, by way of TensorFlow Datasets."""

from __future__ import annotations

from keras_glove.data.loading import Splits, load
from keras_glove.data.preparing import NAMES

__all__ = ["NAMES", "Splits", "load"]
