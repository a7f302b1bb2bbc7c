"""Looking into a model: which layers and operations its call runs, and on what of their inputs.

The model is called once on symbolic tensors. Layers of Keras, and switches, stay whole; layers of
the user's own are looked into where they hold something open, or get a tensor of which not all is
in use. What comes out is a graph in which every layer call and every operation has its plan.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from keras_glove.errors import NotShareableError
from keras_glove.weight_sharing.axes import Axes
from keras_glove.weight_sharing.constructing import notes_of
from keras_glove.weight_sharing.looking import Looker, is_functional
from keras_glove.weight_sharing.plans import Plan, Site, plan_of
from keras_glove.weight_sharing.switch import Switch

__all__ = ["Graph", "Step", "trace"]


@dataclass
class Step:
    """One call of a layer or operation.

    Attributes:
      operation: the layer or operation.
      args, kwargs: its arguments, symbolic tensors in place of tensors.
      outputs: the symbolic tensors that it gives.
      plan: what is in use, and how the call is made; None where all of it is, as ever.
    """

    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: list[Any]
    plan: Plan | None


@dataclass
class Graph:
    """The calls of a function on symbolic tensors, in order.

    Attributes:
      inputs: the symbolic tensors that it was called on.
      outputs: the structure that it gave.
      axes: for the id of a symbolic tensor what of it is in use, where that is not all.
    """

    inputs: list[Any]
    outputs: Any = None
    steps: list[Step] = field(default_factory=list)
    axes: dict[int, Axes] = field(default_factory=dict)

    def of(self, tensor: Any) -> Axes:
        """What is in use of a symbolic tensor."""
        return self.axes.get(id(tensor), (None,) * len(tensor.shape))


def trace(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    axes: Sequence[Axes],
    training: bool | None,
    *,
    look_into: bool = False,
) -> Graph:
    """The graph of a function on symbolic tensors.

    Args:
      function: a layer, or what a layer does.
      args, kwargs: its arguments, with symbolic tensors.
      axes: what is in use of each of the tensors, in the order of flattening.
      training: the phase.
      look_into: look into every layer of the user's own, as far as it has no weights.
    """
    tensors = [leaf for leaf in keras.tree.flatten((args, kwargs)) if _is_symbolic(leaf)]
    graph = Graph(tensors)
    for tensor, used in zip(tensors, axes, strict=True):
        if any(axis is not None for axis in used):
            graph.axes[id(tensor)] = used
    tracer = _Tracer(graph, training, look_into)
    with tracer.looking():
        graph.outputs = tracer.call(function, args, kwargs)
        tracer.settle(graph.outputs)
    return graph


def _is_symbolic(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor)


class _Tracer(Looker):
    def __init__(self, graph: Graph, training: bool | None, look_into: bool) -> None:
        super().__init__()
        self._look_into = look_into
        self._graph = graph
        self._training = training
        self._known = {id(tensor) for tensor in graph.inputs}

    def draw(self) -> Any:
        raise NotShareableError(
            "Expected a `call` that leaves random numbers to layers where widths are open, "
            "received one that draws them itself, by `keras.random`. Put it into a layer that "
            "holds nothing open, or use Dropout, GaussianNoise and the like."
        )

    def add_loss(self, loss: Any) -> None:
        raise NotShareableError(
            "Expected a `call` that leaves losses to layers where widths are open, received one "
            "that adds one itself, by `add_loss`. Use `layers.ActivityRegularization`, or put it "
            "into a layer that holds nothing open."
        )

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call gives on symbolic tensors."""
        if not isinstance(function, keras.Layer):
            return function(*args, **kwargs)
        if isinstance(function, keras.Sequential):
            (x,) = args
            for layer in function.layers:
                x = self.call(layer, (x,), {})
            return x
        if is_functional(function):
            return function._run_through_graph(*args, operation_fn=lambda operation: operation)
        if self._stays_whole(function, args, kwargs):
            return self._leaf(function, args, kwargs)
        return self._inlined(function, args, kwargs)

    def _stays_whole(self, layer: Any, args: Any, kwargs: Any) -> bool:
        if isinstance(layer, Switch) or type(layer).__module__.startswith("keras."):
            return True
        self.settle((args, kwargs))
        if self._look_into:
            return bool(own_weights(layer)) and not holds_open(layer)
        tensors = [leaf for leaf in keras.tree.flatten((args, kwargs)) if _is_symbolic(leaf)]
        return not holds_open(layer) and not any(id(t) in self._graph.axes for t in tensors)

    def _inlined(self, layer: Any, args: Any, kwargs: Any) -> Any:
        if not layer.built:
            self.whole(layer, args, kwargs)
        _require_no_weights(layer)
        takes = "training" in inspect.signature(layer.call).parameters
        if takes and kwargs.get("training") is None:
            kwargs = {**kwargs, "training": self._training}
        return layer.call(*args, **kwargs)

    def _leaf(self, layer: Any, args: Any, kwargs: Any) -> Any:
        self.settle((args, kwargs))
        outputs = self.whole(layer, args, kwargs)
        self.settle(outputs)
        return outputs

    def settle(self, structure: Any) -> None:
        """Plans all calls that lead to some symbolic tensors."""
        for tensor in keras.tree.flatten(structure):
            if _is_symbolic(tensor) and id(tensor) not in self._known:
                for node in self._upstream(tensor):
                    self._plan(node)

    def _upstream(self, tensor: Any) -> list[Any]:
        order: list[Any] = []
        stack: list[tuple[Any, bool]] = [(tensor, False)]
        seen: set[int] = set()
        while stack:
            value, ready = stack.pop()
            node = value._keras_history.operation._inbound_nodes[value._keras_history.node_index]
            if ready:
                order.append(node)
                continue
            if id(value) in self._known or id(node) in seen:
                continue
            seen.add(id(node))
            stack.append((value, True))
            stack += [
                (one, False) for one in reversed(node.input_tensors) if id(one) not in self._known
            ]
        return order

    def _plan(self, node: Any) -> None:
        if id(node.outputs[0]) in self._known:
            return
        graph, arguments = self._graph, node.arguments
        site = Site(
            node.operation, arguments.args, arguments.kwargs, node.outputs, graph.of,
            notes_of(node.operation), _has_notes(node.operation), self._training,
        )  # fmt: skip
        plan = plan_of(site)
        graph.steps.append(
            Step(node.operation, arguments.args, arguments.kwargs, node.outputs, plan)
        )
        for place, tensor in enumerate(node.outputs):
            self._known.add(id(tensor))
            used = plan.outputs[place] if plan is not None else ()
            if any(axis is not None for axis in used):
                graph.axes[id(tensor)] = used


def holds_open(layer: Any) -> bool:
    """Whether a layer has open arguments or switches, or holds a layer that has."""
    return any(isinstance(part, Switch) or notes_of(part) for part in layer._flatten_layers())


def _has_notes(operation: Any) -> bool:
    parts = operation._flatten_layers() if isinstance(operation, keras.Layer) else ()
    return any(notes_of(part) for part in parts)


def own_weights(layer: Any) -> list[Any]:
    """The weights of a layer that are not those of layers in it."""
    own = [*layer._trainable_variables, *layer._non_trainable_variables]
    return [variable for variable in own if not getattr(variable, "is_decision", False)]


def _require_no_weights(layer: Any) -> None:
    own = [variable.path for variable in own_weights(layer)]
    if own:
        raise NotShareableError(
            f"Expected the weights of {layer.name!r} ({type(layer).__name__}) to be those of "
            f"layers of Keras in it, received weights of its own ({', '.join(own)}) where a width "
            "is open: it is not known which of them belong to which width. Hold them in a layer "
            "of Keras (Dense, EinsumDense, ...), or keep widths there fixed."
        )
