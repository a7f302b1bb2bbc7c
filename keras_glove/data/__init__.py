"""Data sets of the examples, by way of TensorFlow Datasets."""

from __future__ import annotations

from keras_glove.data.loading import NAMES, Splits, load

__all__ = ["NAMES", "Splits", "load"]
