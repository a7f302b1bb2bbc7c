"""Lets TensorFlow forget models that are gone, so that memory does not grow with trials.

A process that builds, compiles and fits one small Keras model after another keeps some
6 MB of each (keras#17458, keras#20552; measured with Keras 3.15.1 on TensorFlow 2.21).
Two tables of TensorFlow hold it:

- The gradient registry. A function under `tf.custom_gradient` registers its gradient
  under a fresh name each time that it is traced, for ever, and the gradient refers to the
  traced graph, hence to all that the graph captured. `optimizer.apply` traces one such
  function in every train step (the all-reduce of the gradients, on one replica too), and
  `silu` others. `release_gradients` ties each to the life of its graph.
- The cache of eager kernels, where each compiled function leaves about 0.6 MB.
"""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import keras
from tensorflow.python.eager import context
from tensorflow.python.framework import func_graph, ops

_PREFIX = "CustomGradient-"
_TRACED = "_graph_mode_decorator.<locals>.internal_grad_fn"
_KEPT = "_keras_glove_gradients"


def release_memory() -> None:
    """Frees what no living model needs: graphs, kernels, and what only cycles kept alive.

    Call it between trials, once the last child is out of use; it takes about as long as
    one `gc.collect()`. Models that are still referenced stay as they are and can be
    trained further. Unlike `keras.utils.clear_session` it resets no setting (that one
    drops the dtype policy and every open `custom_object_scope`) and no layer names.

    >>> release_memory()
    """
    release_gradients()
    context.context().clear_kernel_cache()
    gc.collect()


def release_gradients() -> int:
    """Lets each custom gradient live as long as the graph that it was traced in.

    Nothing changes for graphs in use: the registry then finds a gradient through a weak
    reference to its graph, which itself keeps the gradient. So it is safe at any time,
    also while other threads trace.

    Returns:
        The number of gradients that were tied to their graphs now.
    """
    registry = ops.gradient_registry._registry
    names = [name for name in list(registry) if name.startswith(_PREFIX)]
    return sum(_tie(registry, name) for name in names)


def drop_functions(model: keras.Model) -> None:
    """Drops the compiled functions of a model; the next `fit` or `predict` makes new ones."""
    for name in ("train_function", "test_function", "predict_function"):
        if getattr(model, name, None) is not None:
            setattr(model, name, None)


def _tie(registry: dict[str, Any], name: str) -> bool:
    entry = registry.get(name)
    if entry is None:
        return False  # its graph died since the names were listed.
    gradient = entry["type"]
    if getattr(gradient, "__qualname__", None) != _TRACED:
        return False  # tied before, or loaded from a SavedModel, which has no graph.
    graph = _graph_of(gradient)
    if graph is None:
        return False
    kept = getattr(graph, _KEPT, None)
    if kept is None:
        kept = {}
        setattr(graph, _KEPT, kept)
    kept[name] = gradient
    registry[name] = {**entry, "type": _through(weakref.ref(graph), name)}
    weakref.finalize(graph, registry.pop, name, None).atexit = False
    return True


def _through(graph: weakref.ref[Any], name: str) -> Callable[..., Any]:
    def gradient(op: Any, *result_gradients: Any) -> Any:
        # An operation keeps its graph alive, so the graph is there.
        return getattr(graph(), _KEPT)[name](op, *result_gradients)

    return gradient


def _graph_of(gradient: Any) -> Any:
    """The function graph in which `tf.custom_gradient` traced, None for a graph of TF 1."""
    try:
        result = _free_variables(_free_variables(gradient)["tape_grad_fn"])["result"]
        graph = next(item.graph for item in keras.tree.flatten(result) if hasattr(item, "graph"))
    except (AttributeError, KeyError, StopIteration):
        warnings.warn(
            "keras_glove cannot read the custom gradients of this version of TensorFlow, so each "
            "trial may keep some memory; please report it with the version.",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    return graph if isinstance(graph, func_graph.FuncGraph) else None


def _free_variables(function: Any) -> dict[str, Any]:
    cells = zip(function.__code__.co_freevars, function.__closure__, strict=True)
    return {name: cell.cell_contents for name, cell in cells}
