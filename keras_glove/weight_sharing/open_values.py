"""What stands for an open value while a supernet is made: `Open`.

It can be an argument of layers, which then share weights over its values, and be computed with:
`2 * width`, and beside tensors in a `call`, `x * width ** -0.5`. Where Python itself would need it
(`range(depth)`, `if`) weights cannot be shared, which is said with the place of the value and what
to do instead.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

import keras
import numpy as np

from keras_glove.errors import NotShareableError
from keras_glove.symbolic import OpenValue
from keras_glove.weight_sharing.decisions import current
from keras_glove.weight_sharing.tables import Table, combine

__all__ = ["Open", "OpenFloat"]


class Open(OpenValue):
    """A discrete value that decisions choose.

    Attributes:
      table: its values.
      place: where it comes from, for people: the path of the hyper-value.
      share: how weights are shared over its values: "slice", of the largest one; or "none".
    """

    __slots__ = ("place", "share", "table")
    table: Table
    place: str
    share: str

    def __init__(self, table: Table, place: str, share: str = "slice") -> None:
        self.table, self.place, self.share = table, place, share

    def __children__(self) -> dict[str, Any]:
        return {}

    def __rebuild__(self, children: dict[str, Any]) -> Open:
        return self

    def __fields__(self) -> dict[str, Any]:
        return {"values": self.table.options()}

    def __call_form__(self) -> tuple[str, list[tuple[str, Any]]]:
        return "open", [("", self.table.options())]

    def _refuse(self, use: str) -> NoReturn:
        raise NotShareableError(refusal(self, use))

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        self._refuse("a call")

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        self._refuse("a comparison")

    def __ne__(self, other: object) -> bool:
        if self is other:
            return False
        self._refuse("a comparison")

    def __hash__(self) -> int:
        return id(self)

    def derived(self, function: Callable[..., Any], *others: Any) -> Open:
        """The open value of a function of this one and others."""
        parts = [other.table if isinstance(other, Open) else other for other in others]
        if not self.is_numeric or any(
            isinstance(p, Table) and p.values.dtype == object for p in parts
        ):
            self._refuse("arithmetic")
        return Open(combine(function, *(parts or [self.table])), self.place, self.share)

    def beside(self, tensor: Any) -> Any:
        """The number that the decisions say, to compute with beside a tensor."""
        if not self.is_numeric:
            self._refuse("arithmetic")
        return self.table.tensor(current(), keras.backend.standardize_dtype(tensor.dtype))

    @property
    def dtype(self) -> type:
        """As symbolic tensors, which compute with numbers and with this, ask for it."""
        return int if np.issubdtype(self.table.values.dtype, np.integer) else float

    @property
    def is_numeric(self) -> bool:
        """Whether all values are numbers."""
        return self.table.values.dtype != object


def refusal(value: Any, use: str) -> str:
    """The message for an open value that Python itself would need."""
    return (
        f"at `{value.place}`: expected an open value that is only handed on to layers, received "
        f"one that is used for {use} while the supernet is made: weights cannot be shared over "
        "what steers Python. Search it without shared weights, by `kg.program(Net, ...)`; for a "
        "number of blocks use `layers.Repeat(block, depth)`."
    )


class OpenFloat(OpenValue):
    """A float that decisions give; layers can read it where it is no shape (a dropout rate).

    Attributes:
      point: its decision point.
      low, high: its bounds.
      place: where it comes from, for people.
    """

    __slots__ = ("high", "low", "place", "point")

    def __init__(self, point: int, low: float, high: float, place: str) -> None:
        self.point, self.low, self.high, self.place = point, low, high, place

    def __children__(self) -> dict[str, Any]:
        return {}

    def __rebuild__(self, children: dict[str, Any]) -> OpenFloat:
        return self

    def __fields__(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high}

    def _refuse(self, use: str) -> NoReturn:
        raise NotShareableError(refusal(self, use))

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        self._refuse("a call")


def _arithmetic(function: Callable[..., Any]) -> tuple[Any, Any]:
    def forward(self: Open, other: Any) -> Any:
        if keras.ops.is_tensor(other):
            return function(self.beside(other), other)
        if not isinstance(other, Open | int | float | np.number):
            return NotImplemented
        return self.derived(function, self, other)

    def backward(self: Open, other: Any) -> Any:
        if keras.ops.is_tensor(other):
            return function(other, self.beside(other))
        if not isinstance(other, int | float | np.number):
            return NotImplemented
        return self.derived(function, other, self)

    return forward, backward


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    _forward, _backward = _arithmetic(getattr(operator, _name))
    setattr(Open, f"__{_name}__", _forward)
    setattr(Open, f"__r{_name}__", _backward)
