"""Where the children of a search are built and judged."""

from __future__ import annotations

from keras_glove.search.executors.executor import Executor, Serial, as_executor
from keras_glove.search.executors.processes import Processes
from keras_glove.search.executors.ray import Ray

__all__ = ["Executor", "Processes", "Ray", "Serial", "as_executor"]
