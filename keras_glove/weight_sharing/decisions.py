"""Decisions as tensors: what every layer of a supernet reads when it is called.

A supernet has one vector of decisions, by default a variable of its own. Whoever trains it can put
others in its place for a while, drawn in the graph: one trace serves all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from keras_glove.errors import NotShareableError
from keras_glove.hyper import DNA, DecisionPoint, SearchSpace
from keras_glove.training.lifting import graph_of

__all__ = ["Codec", "Decisions", "Together", "current", "deciding", "is_deciding"]

Mixing = Literal["all", "chosen", "any"]


@dataclass(frozen=True)
class Decisions:
    """One architecture, or a distribution over them, as tensors.

    Attributes:
      indices: int tensor of shape `(points,)`: for each discrete decision point the index of its
        value (of the candidate, or of the number counted from `low` in steps); 0 where the point
        is inactive or a float.
      numbers: float tensor of shape `(points,)`: the values of the float points, 0 elsewhere.
      weights: for discrete points that are relaxed a float tensor of shape `(candidates,)` that
        sums to one. All that depends on such a point is its expectation.
      mixing: "all" computes every branch of a relaxed Switch and mixes them (DARTS). "chosen" runs
        the branch of `indices` alone and multiplies it with its weight (GDAS), so `weights` should
        be one-hot in value there, and carry the gradient. "any" runs one branch where the weights
        are one-hot, and mixes all where they are not, which the graph finds out.
    """

    indices: Any
    numbers: Any = None
    weights: Mapping[int, Any] = field(default_factory=dict)
    mixing: Mixing = "all"
    _read: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def relaxed(self, points: Sequence[int]) -> bool:
        """Whether any of the points is a distribution."""
        return any(point in self.weights for point in points)

    def runs_all(self, points: Sequence[int]) -> bool:
        """Whether all that depends on these points takes part, whatever the weights."""
        return self.mixing == "all" and self.relaxed(points)

    def uses(self, points: Sequence[int], values: np.ndarray[Any, Any]) -> Any:
        """A bool scalar: whether what a table of conditions speaks of takes part."""
        return ops.cast(self.read(points, values, "float32"), "float32") > 0

    def read(self, points: Sequence[int], values: np.ndarray[Any, Any], dtype: str) -> Any:
        """An entry of an array with one leading axis for each point, or its expectation."""
        if not points:
            return ops.convert_to_tensor(values, dtype=dtype)
        graph = None if self.relaxed(points) else graph_of(self.indices)
        if graph is None:
            return self._entry(points, values, dtype)
        key = (tuple(points), values.shape, str(values.dtype), values.tobytes(), dtype)
        if key not in self._read:  # masks and widths are read by many layers
            with graph.as_default():
                self._read[key] = self._entry(points, values, dtype)
        return self._read[key]

    def _entry(self, points: Sequence[int], values: np.ndarray[Any, Any], dtype: str) -> Any:
        if self.relaxed(points):
            return self._expected(points, values, dtype)
        sizes = values.shape[: len(points)]
        flat = ops.convert_to_tensor(values.reshape(-1, *values.shape[len(points) :]), dtype=dtype)
        place = ops.convert_to_tensor(0, dtype="int32")
        for point, size in zip(points, sizes, strict=True):
            place = place * size + ops.cast(self.indices[point], "int32")
        return ops.take(flat, place, axis=0)

    def _expected(self, points: Sequence[int], values: np.ndarray[Any, Any], dtype: str) -> Any:
        inner = dtype if keras.backend.is_float_dtype(dtype) else "float32"
        expected = ops.convert_to_tensor(values.astype("float32"), dtype=inner)
        for point in points:
            weights = ops.cast(self.probabilities(point, values.shape[0]), inner)
            shape = expected.shape[1:]
            expected = ops.matmul(weights[None], ops.reshape(expected, (values.shape[0], -1)))
            expected = ops.reshape(expected, shape)
            values = values[0]
        return expected

    def probabilities(self, point: int, size: int) -> Any:
        """The weights of a point; of one that is not relaxed, one for its value and zeros."""
        if point in self.weights:
            return self.weights[point]
        return ops.one_hot(self.indices[point], size, dtype="float32")

    def number(self, point: int) -> Any:
        """The value of a float point."""
        return self.numbers[point]


@dataclass(frozen=True)
class Together:
    """Several architectures whose gradients one update sums up (FairNAS, the sandwich rule).

    To the optimizer active is what any of them uses.

    Attributes:
      each: decisions, one after the other; none of them relaxed.
    """

    each: tuple[Decisions, ...]

    def runs_all(self, points: Sequence[int]) -> bool:
        """Whether all that depends on these points takes part."""
        return all(one.runs_all(points) for one in self.each)

    def relaxed(self, points: Sequence[int]) -> bool:
        """Whether more than one value of the points can take part."""
        return True

    def uses(self, points: Sequence[int], values: np.ndarray[Any, Any]) -> Any:
        """A bool scalar: whether what a table of conditions speaks of takes part."""
        return ops.any(ops.stack([one.uses(points, values) for one in self.each]))


class Codec:
    """DNAs of a space as arrays of indices and numbers, and back.

    >>> from keras_glove.hyper import intv, oneof
    >>> codec = Codec(SearchSpace([oneof(["a", "b"]), intv(4, 12, step=4)]))
    >>> indices, numbers = codec.arrays(DNA((1, 12)))
    >>> indices.tolist(), codec.sizes, codec.dna(indices, numbers)
    ([1, 2], (2, 3), DNA((1, 12)))
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.sizes: tuple[int, ...] = tuple(map(size_of, space.points))

    def arrays(self, dna: DNA) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Indices (int32) and numbers (float32), both of shape `(points,)`."""
        self.space.validate(dna)
        indices = np.zeros(len(self.sizes), dtype="int32")
        numbers = np.zeros(len(self.sizes), dtype="float32")
        for place, (point, value) in enumerate(zip(self.space.points, dna.values, strict=True)):
            if value is None:
                continue
            if point.kind == "float":
                numbers[place] = value
            elif point.kind == "int":
                indices[place] = (int(value) - int(point.low or 0)) // (point.step or 1)
            else:
                indices[place] = value
        return indices, numbers

    def decisions(self, dna: DNA) -> Decisions:
        """A DNA as constant tensors."""
        indices, numbers = self.arrays(dna)
        return Decisions(ops.convert_to_tensor(indices), ops.convert_to_tensor(numbers))

    def dna(self, indices: Any, numbers: Any = None) -> DNA:
        """The DNA of given arrays; what its own decisions leave inactive is None."""
        indices = np.asarray(indices)
        values: list[Any] = []
        for place, point in enumerate(self.space.points):
            if not _active(point, values):
                values.append(None)
            elif point.kind == "float":
                number = float(np.asarray(numbers)[place])  # rounded to fewer bits than the bounds
                values.append(min(max(number, float(point.low or 0)), float(point.high or 0)))
            elif point.kind == "int":
                values.append(int(point.low or 0) + int(indices[place]) * (point.step or 1))
            else:
                values.append(int(indices[place]))
        return self.space.validate(DNA(values))


def size_of(point: DecisionPoint) -> int:
    """How many values a point has; 0 for floats."""
    if point.kind == "float":
        return 0
    if point.kind == "int":
        return (int(point.high or 0) - int(point.low or 0)) // (point.step or 1) + 1
    return int(point.num_candidates or 0)


def _active(point: DecisionPoint, values: Sequence[Any]) -> bool:
    clauses = [clause for clause in (point.conditions, *point.also) if clause]
    return all(any(values[place] == value for place, value in clause) for clause in clauses)


class _Stack(threading.local):
    """Per thread, since replicas run in threads and each has decisions of its own."""

    def __init__(self) -> None:
        self.running: list[Decisions] = []


_STACK = _Stack()


def is_deciding() -> bool:
    """Whether a supernet is being called."""
    return bool(_STACK.running)


def current() -> Decisions:
    """The decisions of the supernet that is being called."""
    if not _STACK.running:
        raise NotShareableError(
            "Expected a layer that holds a choice to be called inside its supernet, received a "
            "call on its own. Call the model, or take a child of it: `model.child(dna)`."
        )
    return _STACK.running[-1]


@contextmanager
def deciding(decisions: Decisions) -> Iterator[None]:
    """While it holds, layers read these decisions."""
    _STACK.running.append(decisions)
    try:
        yield
    finally:
        _STACK.running.pop()
