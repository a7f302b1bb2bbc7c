"""`Switch`: one of several layers, chosen by decisions when it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_glove.errors import NotShareableError
from keras_glove.training.lifting import pooling_again
from keras_glove.weight_sharing.common_calls import CommonCalls
from keras_glove.weight_sharing.decisions import Decisions, current, is_deciding
from keras_glove.weight_sharing.tables import Table

__all__ = ["Switch", "choose"]

Runner = Callable[..., Any]

POOLING = (keras.layers.MaxPooling1D, keras.layers.MaxPooling2D)


def choose(selector: Table, runners: Sequence[Runner], decisions: Decisions, *args: Any) -> Any:
    """What the chosen of several functions gives; only that one runs.

    Under relaxed decisions all run, and their results are mixed by their weights; with
    `mixing="chosen"` one runs, and is multiplied with its weight; with "any" one runs where the
    weights are one-hot, else all.
    """
    if not selector.points:
        return runners[selector.at(())](*args)
    if not decisions.relaxed(selector.points):
        return ops.switch(selector.tensor(decisions, "int32"), list(runners), *args)
    shares = selector.map(lambda chosen: np.eye(len(runners))[chosen]).tensor(decisions, "float32")

    def mixed(*given: Any) -> Any:
        results = [runner(*given) for runner in runners]
        return keras.tree.map_structure(
            lambda *parts: sum(_times(part, shares[i]) for i, part in enumerate(parts)), *results
        )

    if decisions.mixing == "all":
        return mixed(*args)
    hard = Decisions(decisions.indices, decisions.numbers)
    place = selector.tensor(hard, "int32")
    if decisions.mixing == "any":
        one = ops.max(shares) > 1 - keras.config.epsilon()
        return ops.switch(ops.where(one, place, len(runners)), [*runners, mixed], *args)
    result = ops.switch(place, list(runners), *args)
    share = ops.take(shares, place)
    return keras.tree.map_structure(lambda part: _times(part, share), result)


def _times(tensor: Any, weight: Any) -> Any:
    return tensor * ops.cast(weight, tensor.dtype)


class Switch(keras.layers.Layer):
    """One of several layers, of which each call runs the chosen one alone.

    Their outputs have one shape; or they differ in width, and the narrow ones are padded.

    Made by a supernet where its program has a `oneof` over layers; not to be made by hand.

    Args:
      selector: which branch, as a table over decision points.
      branches: layers, other callables on tensors, or None for passing the input on.
      place: the path of the hyper-value, for people.
      forms: what tells branches apart, but for their weights; None where they hold open values.

    Attributes:
      widths: the axis along which outputs of branches differ, and their lengths; None where they
        are of one shape.
      calls: what calls of all switches of the supernet have in common.
      decisions: gives those to use while Keras builds the model, outside of a call of it.
    """

    def __init__(
        self,
        selector: Table,
        branches: Sequence[Any],
        place: str,
        forms: tuple[str, ...] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.selector = selector
        self.branches = list(branches)
        self.place = place
        self.widths: tuple[int, list[int]] | None = None
        self.decisions: Callable[[], Decisions] = current
        self.forms = forms
        self.calls: CommonCalls | None = None
        for branch in self.branches:
            _keep_pooling_quick(branch)
        self._ready = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._ready:
            self._prepare(args, kwargs)
        return super().__call__(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        runners = [self.runner(index, kwargs) for index in range(len(self.branches))]
        decisions = current() if is_deciding() else self.decisions()
        if self.calls is not None and not decisions.relaxed(self.selector.points):
            result = self.calls.call(self, args, kwargs, self.selector.tensor(decisions, "int32"))
            if result is not None:
                return result[0]
        return choose(self.selector, runners, decisions, *args)

    def runner(self, index: int, kwargs: dict[str, Any]) -> Runner:
        """A branch as a function of the positional arguments of the call."""
        branch = self.branches[index]
        keywords = {} if branch is None else self.keywords(index, kwargs)

        def run(*args: Any) -> Any:
            return self.padded(args[0] if branch is None else branch(*args, **keywords))

        return run

    def padded(self, x: Any) -> Any:
        """The output of a branch with zeros up to the width of the widest."""
        if self.widths is None:
            return x
        axis, sizes = self.widths
        missing = max(sizes) - x.shape[axis]
        pads = [(0, missing if place == axis else 0) for place in range(len(x.shape))]
        return ops.pad(x, pads) if missing else x

    def keywords(self, index: int, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Those keywords of the call that a branch takes."""
        return _accepted(self.branches[index], kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        spec = self.runner(0, kwargs)(*args)
        return keras.tree.map_structure(
            lambda part: keras.KerasTensor(part.shape, dtype=part.dtype), spec
        )

    def _prepare(self, args: Any, kwargs: Any) -> None:
        """Builds the branches here, and not inside a branch of the graph."""
        like = keras.tree.map_structure(_symbolic, args)
        specs = [self.runner(index, kwargs)(*like) for index in range(len(self.branches))]
        shapes = [keras.tree.map_structure(lambda spec: tuple(spec.shape), spec) for spec in specs]
        if any(shape != shapes[0] for shape in shapes):
            self.widths = self._differing(shapes)
        self._ready = True
        self.built = True

    def _differing(self, shapes: Sequence[Any]) -> tuple[int, list[int]]:
        """The one axis along which the outputs of branches differ, and their lengths."""
        alike = all(isinstance(shape, tuple) and len(shape) == len(shapes[0]) for shape in shapes)
        sides = list(zip(*shapes, strict=True)) if alike else []
        axes = [axis for axis, side in enumerate(sides) if len(set(side)) > 1]
        if len(axes) == 1 and axes[0] > 0 and None not in sides[axes[0]]:
            return axes[0], list(sides[axes[0]])
        other = next(i for i, shape in enumerate(shapes) if shape != shapes[0])
        raise NotShareableError(
            f"at `{self.place}`: expected candidates whose outputs have one shape but for their "
            f"width, received {shapes[0]} of candidate 0 and {shapes[other]} of candidate {other}. "
            "Give them one shape, or search without shared weights, by `kg.program(Net, ...)`."
        )


def _keep_pooling_quick(branch: Any) -> None:
    """Makes the gradient of max-pooling as quick in a branch of the graph as elsewhere."""
    for layer in branch._flatten_layers() if isinstance(branch, keras.Layer) else ():
        if isinstance(layer, POOLING) and "call" not in vars(layer):
            object.__setattr__(layer, "call", pooling_again(layer.call))


def _symbolic(value: Any) -> Any:
    if isinstance(value, keras.KerasTensor) or not hasattr(value, "shape"):
        return value
    return keras.KerasTensor(tuple(value.shape), dtype=keras.backend.standardize_dtype(value.dtype))


def _accepted(branch: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Those keywords that a branch takes; `training` reaches layers by Keras's call context."""
    if not kwargs or not isinstance(branch, keras.Layer):
        return {}
    return {
        name: value
        for name, value in kwargs.items()
        if name in branch._call_signature.parameters and value is not None
    }
