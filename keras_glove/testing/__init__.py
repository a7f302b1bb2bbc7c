"""Contract suites: what a plug-in has to keep, as pytest classes to inherit. Needs pytest."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from keras_glove.testing.algorithms import AlgorithmContract
from keras_glove.testing.spaces import SPACES, SPECIAL_SPACES

if TYPE_CHECKING:
    from keras_glove.testing.policies import PolicyContract

__all__ = ["SPACES", "SPECIAL_SPACES", "AlgorithmContract", "PolicyContract"]


def __getattr__(name: str) -> Any:
    """The contract of policies, which needs TensorFlow, when it is asked for."""
    if name != "PolicyContract":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("keras_glove.testing.policies").PolicyContract
