"""`Switch`: one of several layers, chosen by decisions when it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_glove.errors import NotShareableError
from keras_glove.weight_sharing.decisions import Decisions, current
from keras_glove.weight_sharing.tables import Table

__all__ = ["Switch", "choose"]

Runner = Callable[..., Any]


def choose(selector: Table, runners: Sequence[Runner], decisions: Decisions, *args: Any) -> Any:
    """What the chosen of several functions gives; only that one runs.

    Under relaxed decisions all run, and their results are mixed by their weights; with
    `mixing="chosen"` one runs, and is multiplied with its weight.
    """
    if not selector.points:
        return runners[selector.at(())](*args)
    if not decisions.relaxed(selector.points):
        return ops.switch(selector.tensor(decisions, "int32"), list(runners), *args)
    shares = selector.map(lambda chosen: np.eye(len(runners))[chosen]).tensor(decisions, "float32")
    if decisions.mixing == "all":
        results = [runner(*args) for runner in runners]
        return keras.tree.map_structure(
            lambda *parts: sum(_times(part, shares[i]) for i, part in enumerate(parts)), *results
        )
    hard = Decisions(decisions.indices, decisions.numbers)
    place = selector.tensor(hard, "int32")
    result = ops.switch(place, list(runners), *args)
    share = ops.take(shares, place)
    return keras.tree.map_structure(lambda part: _times(part, share), result)


def _times(tensor: Any, weight: Any) -> Any:
    return tensor * ops.cast(weight, tensor.dtype)


class Switch(keras.layers.Layer):
    """One of several layers of equal output shape, of which each call runs the chosen one alone.

    Made by a supernet where its program has a `oneof` over layers; not to be made by hand.

    Args:
      selector: which branch, as a table over decision points.
      branches: layers, other callables on tensors, or None for passing the input on.
      place: the path of the hyper-value, for people.
    """

    def __init__(
        self, selector: Table, branches: Sequence[Any], place: str, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.selector = selector
        self.branches = list(branches)
        self.place = place
        self._ready = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._ready:
            self._prepare(args, kwargs)
        return super().__call__(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        runners = [self.runner(index, kwargs) for index in range(len(self.branches))]
        return choose(self.selector, runners, current(), *args)

    def runner(self, index: int, kwargs: dict[str, Any]) -> Runner:
        """A branch as a function of the positional arguments of the call."""
        branch = self.branches[index]
        if branch is None:
            return lambda *args: args[0]
        keywords = _accepted(branch, kwargs)
        return lambda *args: branch(*args, **keywords)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        specs = [
            self.runner(index, kwargs)(*args) for index in range(len(self.branches))
        ]
        self._require_like(specs)
        return keras.tree.map_structure(
            lambda spec: keras.KerasTensor(spec.shape, dtype=spec.dtype), specs[0]
        )

    def _prepare(self, args: Any, kwargs: Any) -> None:
        """Builds the branches here, and not inside a branch of the graph."""
        like = keras.tree.map_structure(_symbolic, args)
        specs = [self.runner(index, kwargs)(*like) for index in range(len(self.branches))]
        self._require_like(specs)
        self._ready = True
        self.built = True

    def _require_like(self, specs: Sequence[Any]) -> None:
        shapes = [keras.tree.map_structure(lambda spec: tuple(spec.shape), spec) for spec in specs]
        other = next((i for i, shape in enumerate(shapes) if shape != shapes[0]), None)
        if other is not None:
            raise NotShareableError(
                f"at `{self.place}`: expected candidates whose outputs have one shape, received "
                f"{shapes[0]} of candidate 0 and {shapes[other]} of candidate {other}. Give them "
                "the same width (let the width be a choice of its own, inside one candidate), or "
                "search without shared weights, by `kg.program(Net, ...)`."
            )


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
