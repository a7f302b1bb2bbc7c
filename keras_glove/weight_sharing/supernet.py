"""What a model with open values is: a supernet, all of whose children share its weights."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from keras_glove.errors import NotShareableError
from keras_glove.hyper import DNA, SearchSpace, Template
from keras_glove.live.inputs import known_inputs
from keras_glove.symbolic import Program, build
from keras_glove.training.calibrating import Calibration, batches_of
from keras_glove.training.lifting import outside_graphs
from keras_glove.training.replicas import agree_on_states, moving_states
from keras_glove.weight_sharing import rules as rules
from keras_glove.weight_sharing.activity import Activity
from keras_glove.weight_sharing.agreement import (
    Untraceable,
    is_written_by_user,
    require_agreement,
)
from keras_glove.weight_sharing.axes import Axes
from keras_glove.weight_sharing.children import pairs, transfer
from keras_glove.weight_sharing.common_calls import CommonCalls
from keras_glove.weight_sharing.constructing import notes_of, refuse_config
from keras_glove.weight_sharing.covering import covering
from keras_glove.weight_sharing.decisions import Codec, Decisions, Together, deciding
from keras_glove.weight_sharing.looking import in_thread, is_looking
from keras_glove.weight_sharing.plans import any_used
from keras_glove.weight_sharing.regularization import regularization
from keras_glove.weight_sharing.rules.switching import holds_open_width, pairs_in
from keras_glove.weight_sharing.running import run
from keras_glove.weight_sharing.switch import Switch
from keras_glove.weight_sharing.tracing import Graph, trace
from keras_glove.weight_sharing.updating import guard, inner_optimizers
from keras_glove.weight_sharing.updating_replicas import used

__all__ = ["Sharing", "Supernet"]


class _Given(threading.local):
    def __init__(self) -> None:
        self.stack: list[tuple[int, Any]] = []


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
        self._activity: tuple[Any, Activity] | None = None
        self._calibration: Calibration | None = None
        self._example: tuple[Any, Any] | None = None
        self._agrees = False
        self._phase = Phase()
        calls = CommonCalls()
        for layer in model._flatten_layers():
            if isinstance(layer, Switch) or notes_of(layer):
                refuse_config(layer)
            if isinstance(layer, Switch):
                layer.decisions = self.decisions
                layer.calls = calls
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
        # As tensors: what depends on them is then read once for a trace.
        return Decisions(ops.copy(self.indices), ops.copy(self.numbers))

    @contextmanager
    def given(self, decisions: Decisions | Together) -> Iterator[None]:
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
                phase = self._phase.of(tensors[0], kwargs)
                return run(self.graph(args, kwargs, phase), tensors, decisions)

        return decided

    def require_agreement(self) -> None:
        """Once: that the user's own `call` does here what it does in children; see `agreement`."""
        if self._agrees or is_looking():
            return
        self._agrees = True
        if is_written_by_user(self._model):
            in_thread(self._compare, list(covering(self.space)))

    def _compare(self, dnas: Sequence[DNA]) -> None:
        for dna in dnas:
            self._require_agreement(dna, build(self.template.materialize(dna)))

    def _require_agreement(self, dna: DNA, child: Any) -> None:
        call, example = self.inner_call(), self.example()
        try:
            require_agreement(
                self._model, call, child, example, self.codec, dna, self.has_open_width
            )
        except Untraceable:
            if self.indices._value is None or not self._model.built:
                self._agrees = False
            else:
                args, kwargs = keras.tree.map_structure(_some, example)
                self._verify([dna], args, kwargs, 1e-4)

    @property
    def has_open_width(self) -> bool:
        """Whether any tensor or weight is in use in part only."""
        return holds_open_width(self._model)

    def graph(self, args: Any, kwargs: Any, training: bool | None = None) -> Graph:
        """What the model's call runs on tensors like these, in a phase."""
        symbols = keras.tree.map_structure(_example, (args, kwargs))
        leaves = keras.tree.flatten(symbols)
        key = (
            repr(training),
            *(
                (tuple(x.shape), x.dtype) if isinstance(x, keras.KerasTensor) else repr(x)
                for x in leaves
            ),
        )
        if key not in self._graphs:
            tensors = [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]
            whole = [(None,) * len(tensor.shape) for tensor in tensors]
            call = self.inner_call()
            with outside_graphs():
                self._graphs[key] = trace(call, symbols[0], symbols[1], whole, training)
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
        state = len(self._graphs), len(self._model.weights)
        if self._activity is None or self._activity[0] != state:
            graphs = list(self._graphs.values())
            axes = _axes_of_weights(pairs_in(graphs, "weights"))
            moved = _axes_of_weights(pairs_in(graphs, "moved"))
            made = {id(variable): maker for variable, maker in pairs_in(graphs, "made")}
            self._activity = state, Activity(self._model, axes, moved, made)
        return self._activity[1]

    def example(self) -> tuple[Any, Any]:
        """Symbolic tensors like those that the model was called on last."""
        if self._example is None and self._model.built:
            known = known_inputs(self._model)
            self._example = None if known is None else ((known,), {})
        if self._example is None or not self._model.built:
            raise NotShareableError(
                "Expected a supernet that is built, received one without weights yet. Call it on "
                "data first, or take a child that does not inherit: `child(dna, inherit=False)`."
            )
        return self._example

    def evaluate(
        self, dnas: Sequence[DNA], data: Any, steps: int, calibration_data: Any, batch_size: int
    ) -> list[dict[str, float]]:
        """The scores of DNAs; see `Supernet.evaluate_dna`."""
        self.example()
        before = self.indices.numpy().copy(), self.numbers.numpy().copy()
        if self._calibration is None:
            self._calibration = Calibration(self._model)
        statistics = self._calibration.values()
        scores = []
        try:
            for dna in dnas:
                self.set(dna)
                if steps:
                    self._calibration.restore(statistics)
                    self._calibration.run(batches_of(calibration_data, batch_size), steps)
                scores.append(self._score(data, batch_size))
        finally:
            self._calibration.restore(statistics)
            self.indices.assign(before[0])
            self.numbers.assign(before[1])
        return scores

    def _score(self, data: Any, batch_size: int) -> dict[str, float]:
        options: dict[str, Any] = {"verbose": 0, "return_dict": True}
        if isinstance(data, tuple):
            weights = data[2] if len(data) > 2 else None
            options.update(sample_weight=weights, batch_size=batch_size)
            found = self._model.evaluate(data[0], data[1], **options)
        else:
            found = self._model.evaluate(data, **options)
        return {name: float(value) for name, value in found.items()}

    def verify(self, dnas: Sequence[DNA], inputs: Any, tolerance: float) -> None:
        """See `Supernet.verify`."""
        self._verify(dnas, (inputs,), {}, tolerance)

    def _verify(self, dnas: Sequence[DNA], args: Any, kwargs: Any, tolerance: float) -> None:
        before = self.indices.numpy().copy(), self.numbers.numpy().copy()
        try:
            for dna in dnas:
                self.set(dna)
                shared = keras.tree.flatten(self._model(*args, **kwargs))
                own = keras.tree.flatten(self._inheriting(dna)(*args, **kwargs))
                for theirs, mine in zip(shared, own, strict=True):
                    _require_equal(dna, np.asarray(theirs), np.asarray(mine), tolerance)
        finally:
            self.indices.assign(before[0])
            self.numbers.assign(before[1])

    def child(self, dna: DNA, inherit: bool) -> Any:
        """The child of a DNA."""
        if not inherit:
            return build(self.template.materialize(dna))
        child = self._inheriting(dna)
        if is_written_by_user(self._model):
            in_thread(self._require_agreement, dna, child)
        return child

    def _inheriting(self, dna: DNA) -> Any:
        child = build(self.template.materialize(dna))
        args, kwargs = self.example()
        child(*args, **kwargs)
        decided = self.codec.arrays(dna)[0].tolist()
        activity = self.activity()
        found = pairs(self._model, child, decided)
        transfer(found, lambda variable: activity.cut(variable, decided))
        return child


def _require_equal(dna: DNA, shared: Any, own: Any, tolerance: float) -> None:
    part = shared[tuple(slice(0, length) for length in own.shape)]
    scale = max(1.0, float(np.abs(own).max()))
    worst = float(np.abs(part - own).max()) / scale
    if part.shape != own.shape or not worst <= tolerance:
        raise NotShareableError(
            f"Expected the supernet to compute what its child {dna} does, received outputs that "
            f"differ by {worst:.2g}. In a `call` of yours something depends on what no tensor "
            "shows: on `is None` where None is a candidate (use `layers.Identity()`), or on the "
            "width of a tensor, `x.shape[-1]`, which is the largest here."
        )


class Phase(keras.layers.Layer):
    """Is told the phase of the call that goes on, also where the model's own does not take it."""

    def __init__(self) -> None:
        super().__init__(autocast=False, name="phase")
        self._told: bool | None = None

    def call(self, x: Any, training: bool | None = None) -> Any:
        self._told = training
        return x

    def of(self, tensor: Any, kwargs: Any) -> bool | None:
        """The phase of a call on a tensor with some keywords."""
        if kwargs.get("training") is not None:
            return bool(kwargs["training"])
        self(tensor)
        return self._told


def _example(value: Any) -> Any:
    """A symbolic tensor of the same shape, but for the batch."""
    if not hasattr(value, "shape"):
        return value
    dtype = keras.backend.standardize_dtype(value.dtype)
    return keras.KerasTensor((None, *tuple(value.shape)[1:]), dtype=dtype)


def _some(value: Any) -> Any:
    """Numbers in place of a symbolic tensor; zeros where they have to be whole."""
    if not isinstance(value, keras.KerasTensor):
        return value
    shape = tuple(2 if length is None else length for length in value.shape)
    if keras.backend.is_float_dtype(value.dtype):
        return np.random.default_rng(0).normal(size=shape).astype(value.dtype)
    return np.zeros(shape, value.dtype)


def _through(layers: Sequence[Any], x: Any, training: Any = None, mask: Any = None) -> Any:
    for layer in layers:
        x = layer(x)
    return x


def _through_graph(run_through: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
    return run_through(inputs)


def _itself(operation: Any) -> Any:
    return operation


def _axes_of_weights(pairs: Iterable[tuple[Any, Axes]]) -> dict[int, Axes]:
    found: dict[int, Axes] = {}
    for variable, axes in pairs:
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

    averages_over: Literal["users", "all"] = "users"
    """Over which replicas the gradient of a weight is a mean: those that used it, or all."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As for any Keras model."""
        result = super().__call__(*args, **kwargs)  # type: ignore[misc]
        if self._sharing is not None:
            self._sharing.require_agreement()
        return result

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

    def evaluate_dna(
        self,
        dnas: Sequence[DNA],
        data: Any,
        *,
        recalibrate: int = 0,
        calibration_data: Any = None,
        batch_size: int = 32,
    ) -> list[dict[str, float]]:
        """Scores architectures with the shared weights, without training or retracing.

        The model has to be compiled. Its weights, statistics and decisions are afterwards what
        they were before.

        Args:
          dnas: the architectures.
          data: (x, y) or (x, y, sample_weight), or a batched dataset, to score on.
          recalibrate: batches on which the statistics of BatchNormalization are estimated anew
            for each architecture, 0 to take those of the supernet, which are a mixture over all.
          calibration_data: what to estimate them on, by default `data`; better training data.
          batch_size: examples per batch, for arrays.

        Returns:
          For each DNA the loss and metrics that `evaluate` gives, by name.

        Raises:
          DNAError: a DNA is not of this model's search space.
          NotShareableError: the model has no open values, or no weights yet.
        """
        return sharing_of(self).evaluate(
            dnas,
            data,
            recalibrate,
            data if calibration_data is None else calibration_data,
            batch_size,
        )

    def verify(self, dnas: Sequence[DNA], inputs: Any, tolerance: float = 1e-4) -> None:
        """Checks on examples that this model computes what its children do.

        It does, unless the user's own `call` does what no tensor shows: asks whether an attribute
        is None where None is a candidate (here it stands for passing the input on), or computes
        with the width of a tensor (`x.shape[-1]`, here the largest).

        Args:
          dnas: the children to try.
          inputs: a batch of examples.
          tolerance: the largest difference, in units of the largest output.

        Raises:
          NotShareableError: a child gives something else.
        """
        sharing_of(self).verify(dnas, inputs, tolerance)

    def _get_regularization_losses(self: Any) -> list[Any]:
        """In place of Keras's: of weights what is in use alone."""
        if self._sharing is None or not any(v.regularizer for v in self.trainable_weights):
            return list(super()._get_regularization_losses())  # type: ignore[misc]
        sharing = self._sharing
        return regularization(self, sharing.activity(), sharing.decisions())

    def compile(self: Any, *args: Any, **kwargs: Any) -> None:
        """As for any Keras model; the optimizer then updates what is active alone."""
        super().compile(*args, **kwargs)  # type: ignore[misc]
        if self._sharing is not None and getattr(self, "optimizer", None) is not None:
            _require_no_accumulation(self.optimizer)
            guard(
                self.optimizer,
                self._sharing.activity,
                self._sharing.decisions,
                lambda: self.averages_over == "all",
            )

    def _agree_on_states(self: Any) -> None:
        """Averages the moving statistics over the replicas that used them."""
        if self._sharing is None:
            super()._agree_on_states()  # type: ignore[misc]
            return
        activity, decisions = self._sharing.activity(), self._sharing.decisions()
        agree_on_states(moving_states(self), lambda state: used(state, activity, decisions))

    def compile_from_config(self: Any, config: dict[str, Any]) -> None:
        """Compiles a loaded model; as for any Keras model."""
        if type(self).compile is not Supernet.compile:
            super().compile_from_config(config)  # type: ignore[misc]
            return
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)


def _require_no_accumulation(optimizer: Any) -> None:
    for inner in inner_optimizers(optimizer):
        if not inner.gradient_accumulation_steps:
            continue
        raise NotShareableError(
            "Expected an optimizer that updates at every step, received "
            f"gradient_accumulation_steps={inner.gradient_accumulation_steps}: steps of other "
            "decisions would be added up, and weights moved that the last one leaves alone. Use "
            "larger batches, or train children: `model.child(dna)`."
        )


def sharing_of(model: Any) -> Sharing:
    """What a supernet knows; raises `NotShareableError` for other models."""
    sharing = getattr(model, "_sharing", None)
    if sharing is None:
        raise NotShareableError(
            f"Expected a model with open values, received {model!r}, which has none."
        )
    return sharing
