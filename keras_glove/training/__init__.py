"""Training children, and leaving nothing of them in memory."""

from __future__ import annotations

from keras_glove.training.fit_objective import FitObjective
from keras_glove.training.memory import drop_functions, release_gradients, release_memory
from keras_glove.training.saving import save_model

__all__ = ["FitObjective", "drop_functions", "release_gradients", "release_memory", "save_model"]
