"""Domains: the values that one decision point can take, and how they are drawn and changed.

The arrangements of a `manyof`, which spans several points, are in `groups.py`.
"""

from __future__ import annotations

import abc
import math
from typing import Any

import numpy as np

from keras_glove.errors import DNAError, SpaceError
from keras_glove.hyper.dna import Text
from keras_glove.hyper.points import DecisionPoint, Scale
from keras_glove.hyper.scales import Array, unit_map

__all__ = ["Categorical", "Custom", "Domain", "Float", "Integer", "domain_of"]

_STRIDE = 0.2
"""Standard deviation of a mutation of a number, as a fraction of its range on its scale."""
_TRIES = 64


class Domain(abc.ABC):
    """The values of one decision point. `u` stands for a uniform number in [0, 1).

    Attributes:
      size: how many values there are; infinite where they cannot be enumerated.
      numeric: whether they are numbers.
    """

    size: int | float
    numeric = True

    @abc.abstractmethod
    def draw(self, u: float) -> int | float:
        """The value that `u` falls on."""

    @abc.abstractmethod
    def draw_array(self, u: Array) -> Array:
        """`draw` of many numbers, bit for bit."""

    @abc.abstractmethod
    def first(self) -> int | float:
        """The smallest value."""

    @abc.abstractmethod
    def next(self, value: Any) -> int | float | None:
        """The value after `value`, None after the last."""

    @abc.abstractmethod
    def problem(self, value: Any) -> str | None:
        """What was expected, where `value` is not of this domain; None where it is."""

    @abc.abstractmethod
    def coerce(self, value: Any) -> int | float | None:
        """The value of the domain that a number stands for, None where it stands for none."""

    @abc.abstractmethod
    def move(self, value: Any, rng: np.random.Generator) -> int | float:
        """Another value than `value` where there is one."""


class Categorical(Domain):
    """The indices of candidates."""

    def __init__(self, size: int) -> None:
        self.size: int = size

    def draw(self, u: float) -> int:
        return int(u * self.size)

    def draw_array(self, u: Array) -> Array:
        return np.floor(u * self.size)

    def first(self) -> int:
        return 0

    def next(self, value: int) -> int | None:
        return value + 1 if value + 1 < self.size else None

    def problem(self, value: Any) -> str | None:
        if type(value) is int and 0 <= value < self.size:
            return None
        return f"the index of one of {self.size} candidates (an int from 0 to {self.size - 1})"

    def coerce(self, value: Any) -> int | None:
        # An index has no neighbours: one that does not exist stands for nothing.
        return int(value) if 0 <= value < self.size and value == int(value) else None

    def move(self, value: int, rng: np.random.Generator) -> int:
        if self.size == 1:
            return value
        other = int(rng.random() * (self.size - 1))
        return other + (other >= value)


class Integer(Domain):
    """The grid `low, low + step, ..., high`."""

    def __init__(self, low: int, high: int, step: int, scale: Scale) -> None:
        self.low, self.high, self.step = low, high, step
        self.size: int = (high - low) // step + 1
        # On a linear scale positions are counted, so that large bounds lose no precision.
        self._origin, self._stride = (0, 1) if scale == "linear" else (low, step)
        self._map = unit_map(self._origin, self._origin + self.size * self._stride, scale)

    def draw(self, u: float) -> int:
        place = int((self._map.forward(u) - self._origin) / self._stride)
        return self.low + self.step * min(max(place, 0), self.size - 1)

    def draw_array(self, u: Array) -> Array:
        place = np.trunc((self._map.forward_array(u) - self._origin) / self._stride)
        return self.low + self.step * np.clip(place, 0, self.size - 1)

    def first(self) -> int:
        return self.low

    def next(self, value: int) -> int | None:
        return value + self.step if value < self.high else None

    def problem(self, value: Any) -> str | None:
        inside = type(value) is int and self.low <= value <= self.high
        if inside and (value - self.low) % self.step == 0:
            return None
        steps = f" in steps of {self.step}" if self.step != 1 else ""
        return f"an int from {self.low} to {self.high}{steps}"

    def coerce(self, value: Any) -> int | None:
        if value != value:
            return None
        place: int = round((min(max(value, self.low), self.high) - self.low) / self.step)
        return self.low + self.step * place

    def move(self, value: int, rng: np.random.Generator) -> int:
        middle = self._origin + self._stride * ((value - self.low) // self.step + 0.5)
        start = self._map.inverse(middle)
        for _ in range(_TRIES):
            other = self.draw(_walk(start, rng))
            if other != value:
                return other
        # So close to the dense end that a stride hardly leaves the value: take a neighbour.
        return value + self.step if value < self.high else value - self.step


class Float(Domain):
    """The real numbers from `low` to `high`."""

    size = math.inf

    def __init__(self, low: float, high: float, scale: Scale) -> None:
        self.low, self.high = low, high
        self._map = unit_map(low, high, scale)

    def draw(self, u: float) -> float:
        return min(max(self._map.forward(u), self.low), self.high)

    def draw_array(self, u: Array) -> Array:
        return np.clip(self._map.forward_array(u), self.low, self.high)

    def first(self) -> float:
        return self.low

    def next(self, value: float) -> float | None:
        raise SpaceError("Expected a decision that can be enumerated, received a float.")

    def problem(self, value: Any) -> str | None:
        if type(value) is float and self.low <= value <= self.high:
            return None
        return f"a float from {self.low!r} to {self.high!r}"

    def coerce(self, value: Any) -> float | None:
        return min(max(float(value), self.low), self.high) if value == value else None

    def move(self, value: float, rng: np.random.Generator) -> float:
        start = self._map.inverse(value)
        for _ in range(_TRIES):
            other = self.draw(_walk(start, rng))
            if other != value:
                return other
        return self.low if value != self.low else self.high


class Custom(Domain):
    """The texts of a `CustomValue`, which does the work."""

    size = math.inf
    numeric = False

    def __init__(self, value: Any) -> None:
        self._value = value

    def draw(self, u: float) -> Any:
        return self._text(self._value.draw(np.random.default_rng(int(u * 2**53))))

    def draw_array(self, u: Array) -> Array:
        raise SpaceError("Expected decisions that are numbers, received a custom one.")

    def first(self) -> Any:
        return self._text(self._value.first())

    def next(self, value: Any) -> Any:
        raise SpaceError("Expected a decision that can be enumerated, received a custom one.")

    def problem(self, value: Any) -> str | None:
        if not isinstance(value, str):
            return "a text"
        return self._value.problem(Text.of(value).plain)  # type: ignore[no-any-return]

    def coerce(self, value: Any) -> Any:
        return value if self.problem(value) is None else None

    def move(self, value: Any, rng: np.random.Generator) -> Any:
        return self._text(self._value.mutate(Text.of(value).plain, rng))

    def _text(self, value: Any) -> Text:
        if isinstance(value, str):
            return Text.of(value)
        kind = type(self._value).__name__
        raise DNAError(f"Expected of {kind} a value that is a text, received {value!r}.")


def _walk(start: float, rng: np.random.Generator) -> float:
    """A normal step on the unit interval, reflected at its ends."""
    place = abs(start + _STRIDE * rng.standard_normal()) % 2.0
    return min(place, 2.0 - place)


def domain_of(point: DecisionPoint) -> Domain:
    """The domain of a decision point, leaving aside the group that it is in."""
    if point.kind == "categorical":
        assert point.num_candidates is not None
        return Categorical(point.num_candidates)
    if point.kind == "custom":
        return Custom(point.custom)
    assert point.low is not None
    assert point.high is not None
    assert point.scale is not None
    if point.kind == "float":
        return Float(float(point.low), float(point.high), point.scale)
    assert point.step is not None
    return Integer(int(point.low), int(point.high), point.step, point.scale)
