"""Leaving the graph that is being traced."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf

__all__ = ["outside_graphs"]


def outside_graphs() -> AbstractContextManager[Any]:
    """While it holds, what is made belongs to no graph, and can be used in all of them."""
    scope: AbstractContextManager[Any] = tf.init_scope()
    return scope
