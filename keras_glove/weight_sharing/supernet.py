"""What a model with open values is: a supernet, all of whose children share its weights."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from keras_glove.errors import NotShareableError
from keras_glove.hyper import DNA, SearchSpace, Template
from keras_glove.symbolic import Program, build
from keras_glove.training.lifting import outside_graphs
from keras_glove.weight_sharing import rules as rules
from keras_glove.weight_sharing.activity import Activity
from keras_glove.weight_sharing.axes import Axes
from keras_glove.weight_sharing.children import cut_out, pairs, transfer
from keras_glove.weight_sharing.constructing import notes_of
from keras_glove.weight_sharing.decisions import Codec, Decisions, deciding
from keras_glove.weight_sharing.plans import any_used
from keras_glove.weight_sharing.rules.switching import holds_open_width, weights_in
from keras_glove.weight_sharing.running import run
from keras_glove.weight_sharing.switch import Switch
from keras_glove.weight_sharing.tracing import Graph, trace
from keras_glove.weight_sharing.updating import guard

__all__ = ["Sharing", "Supernet"]


class _Given(threading.local):
    def __init__(self) -> None:
        self.stack: list[tuple[int, Decisions]] = []


_GIVEN = _Given()


class Sharing:
    """What a supernet knows beside being a Keras model.

    Attributes:
      program: the open program that it was made from.
      space: its decision points.
      codec: DNAs as arrays.
      template: the program, compiled to be made for DNAs.
    """

    def __init__(self, model: keras.Model, program: Program) -> None:
        self.program = program
        self.template = Template(program)
        self.space: SearchSpace = self.template.space
        self.codec = Codec(self.space)
        self._model = model
        count = (len(self.codec.sizes),)
        self.indices = model.add_weight(
            shape=count, dtype="int32", initializer="zeros", trainable=False, name="indices"
        )
        self.numbers = model.add_weight(
            shape=count, dtype="float32", initializer="zeros", trainable=False, name="numbers"
        )
        for variable in (self.indices, self.numbers):
            variable.is_decision = True
        self.set(self.space.first())
        self._call = model.call
        self._graphs: dict[Any, Graph] = {}
        self._example: tuple[Any, Any] | None = None
        for layer in model._flatten_layers():
            if isinstance(layer, Switch):
                layer.decisions = self.decisions
        # On the instance, so that the class stays the user's.
        object.__setattr__(model, "call", self._wrapped(self._call))

    def set(self, dna: DNA) -> None:
        """Makes a DNA what the model computes when nobody gives other decisions."""
        indices, numbers = self.codec.arrays(dna)
        self.indices.assign(indices)
        self.numbers.assign(numbers)

    def decisions(self) -> Decisions:
        """Those given for the time being, else those of the model's own variable."""
        for owner, given in reversed(_GIVEN.stack):
            if owner == id(self):
                return given
        return Decisions(self.indices.value, self.numbers.value)

    @contextmanager
    def given(self, decisions: Decisions) -> Iterator[None]:
        """While it holds, the model computes what these decisions say."""
        _GIVEN.stack.append((id(self), decisions))
        try:
            yield
        finally:
            _GIVEN.stack.pop()

    def _wrapped(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def decided(*args: Any, **kwargs: Any) -> Any:
            self._example = keras.tree.map_structure(_example, (args, kwargs))
            decisions = self.decisions()
            with deciding(decisions):
                if not self.has_open_width:
                    result = call(*args, **kwargs)
                    if not self.has_open_width:  # known when the branches of switches are built
                        return result
                tensors = [x for x in keras.tree.flatten((args, kwargs)) if hasattr(x, "shape")]
                return run(self.graph(args, kwargs), tensors, decisions)

        return decided

    @property
    def has_open_width(self) -> bool:
        """Whether any tensor or weight is in use in part only."""
        return holds_open_width(self._model)

    def graph(self, args: Any, kwargs: Any) -> Graph:
        """What the model's call runs on tensors like these."""
        symbols = keras.tree.map_structure(_example, (args, kwargs))
        leaves = keras.tree.flatten(symbols)
        key = tuple(
            (tuple(x.shape), x.dtype) if isinstance(x, keras.KerasTensor) else repr(x)
            for x in leaves
        )
        if key not in self._graphs:
            tensors = [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]
            whole = [(None,) * len(tensor.shape) for tensor in tensors]
            call = self.inner_call()
            with outside_graphs():
                self._graphs[key] = trace(call, *symbols, whole, symbols[1].get("training"))
        return self._graphs[key]

    def inner_call(self) -> Callable[..., Any]:
        """The call of the model, to be looked into."""
        model = self._model
        if isinstance(model, keras.Sequential):
            return functools.partial(_through, list(model.layers))
        if hasattr(model, "_run_through_graph"):
            return functools.partial(
                _through_graph, functools.partial(model._run_through_graph, operation_fn=_itself)
            )
        return self._call

    def activity(self) -> Activity:
        """Which weights are in use under which decisions."""
        if self.has_open_width and not self._graphs:
            self.graph(*self.example())
        return Activity(self._model, _axes_of_weights(self._graphs.values()))

    def example(self) -> tuple[Any, Any]:
        """Symbolic tensors like those that the model was called on last."""
        if self._example is None or not self._model.built:
            raise NotShareableError(
                "Expected a supernet that is built, received one without weights yet. Call it on "
                "data first, or take a child that does not inherit: `child(dna, inherit=False)`."
            )
        return self._example

    def child(self, dna: DNA, inherit: bool) -> Any:
        """The child of a DNA."""
        child = build(self.template.materialize(dna))
        if inherit:
            args, kwargs = self.example()
            child(*args, **kwargs)
            decided = self.codec.arrays(dna)[0].tolist()
            activity = self.activity()
            found = pairs(self._model, child, decided)
            transfer(found, lambda v: cut_out(v, activity.axes(v), decided))
        return child


def _example(value: Any) -> Any:
    """A symbolic tensor of the same shape, but for the batch."""
    if not hasattr(value, "shape"):
        return value
    dtype = keras.backend.standardize_dtype(value.dtype)
    return keras.KerasTensor((None, *tuple(value.shape)[1:]), dtype=dtype)


def _through(layers: Sequence[Any], x: Any, training: Any = None, mask: Any = None) -> Any:
    for layer in layers:
        x = layer(x)
    return x


def _through_graph(run_through: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
    return run_through(inputs)


def _itself(operation: Any) -> Any:
    return operation


def _axes_of_weights(graphs: Iterable[Graph]) -> dict[int, Axes]:
    found: dict[int, Axes] = {}
    for graph in graphs:
        for variable, axes in weights_in(graph):
            known = found.setdefault(id(variable), axes)
            if known != axes:
                raise NotShareableError(
                    f"Expected the weight {variable.path!r} to be used on one width in every call, "
                    "received calls on different ones, for which some child has no weight that "
                    "fits. Use two layers, or give both places one common hyper-value."
                )
    return {key: axes for key, axes in found.items() if any_used(axes)}


class Supernet:
    """Methods of models with open values; see `keras_glove.Model`."""

    _sharing: Sharing | None = None

    def child(self, dna: DNA, inherit: bool = True) -> Any:
        """The child of a DNA: a Keras model of its own.

        Args:
          dna: its decisions.
          inherit: give it the weights that it has in this supernet; otherwise it is initialized
            anew.

        Raises:
          DNAError: the DNA is not of this model's search space.
          NotShareableError: the model has no open values, or no weights yet.
        """
        return sharing_of(self).child(dna, inherit)

    def decide(self, dna: DNA) -> None:
        """Sets which child the model is when it is called, evaluated or trained as it stands."""
        sharing_of(self).set(dna)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """As for any Keras model; the optimizer then updates what is active alone."""
        super().compile(*args, **kwargs)  # type: ignore[misc]
        if self._sharing is not None and getattr(self, "optimizer", None) is not None:
            guard(self.optimizer, LazyActivity(self._sharing), self._sharing.decisions)

    # Asked by Keras: whether the user has written one, who would then have to save it, too.
    compile._is_default = True  # type: ignore[attr-defined]


class LazyActivity:
    """The activity of a model that is not built when it is compiled."""

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sharing.activity(), name)


def sharing_of(model: Any) -> Sharing:
    """What a supernet knows; raises `NotShareableError` for other models."""
    sharing = getattr(model, "_sharing", None)
    if sharing is None:
        raise NotShareableError(
            f"Expected a model with open values, received {model!r}, which has none."
        )
    return sharing
