"""What the decisions of a supernet are about: operations, depths, kernels, widths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from keras_glove.hyper import DecisionPoint, SearchSpace
from keras_glove.weight_sharing.constructing import notes_of
from keras_glove.weight_sharing.decisions import size_of
from keras_glove.weight_sharing.open_values import Open
from keras_glove.weight_sharing.supernet import sharing_of
from keras_glove.weight_sharing.switch import Switch
from keras_glove.weight_sharing.tables import Table

__all__ = ["Role", "Roles", "roles_of"]

Role = Literal["operation", "depth", "kernel", "width"]

WINDOWS = frozenset({"kernel_size", "pool_size", "dilation_rate"})
"""Arguments of layers that say how far a layer sees."""


@dataclass(frozen=True)
class Roles:
    """What decisions are about.

    Attributes:
      of: for each decision point that steers a layer what it decides: "operation" is which branch
        of a switch runs; "depth", how many blocks; "kernel" and "width", how much of a weight.
      order: for points whose values have sizes their indices, from the smallest to the largest.
    """

    of: Mapping[int, Role]
    order: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def places(self, *roles: Role) -> list[int]:
        """The decision points of some roles, in the order of the space."""
        return sorted(point for point, role in self.of.items() if role in roles)


def roles_of(model: Any) -> Roles:
    """The roles of the decisions of a built supernet."""
    space = sharing_of(model).space
    found: dict[int, Role] = {}
    tables: dict[int, Table] = {}
    for role, table in _uses(model, space):
        for point in table.points:
            # What both switches and slices, or is a width here and a kernel there, is the former.
            if point not in found or _RANK.index(role) < _RANK.index(found[point]):
                found[point] = role
            if len(table.points) == 1 and role != "operation":
                tables.setdefault(point, table)
    order = {
        point: order
        for point in found
        if (order := order_of(space.points[point], tables.get(point))) is not None
    }
    return Roles(found, order)


_RANK: tuple[Role, ...] = ("operation", "depth", "width", "kernel")


def _uses(model: Any, space: SearchSpace) -> Iterator[tuple[Role, Table]]:
    for layer in model._flatten_layers():
        if isinstance(layer, Switch):
            numeric = all(_is_numeric(space.points[point]) for point in layer.selector.points)
            skips = len(layer.branches) == 2 and layer.branches[1] is None
            yield "depth" if numeric and skips else "operation", layer.selector
        for name, value in notes_of(layer).items():
            if isinstance(value, Open):
                yield "kernel" if name in WINDOWS else "width", value.table


def _is_numeric(point: DecisionPoint) -> bool:
    return point.kind == "int" or all(
        isinstance(literal, int | float) and not isinstance(literal, bool)
        for literal in point.literals
    )


def order_of(point: DecisionPoint, table: Table | None = None) -> tuple[int, ...] | None:
    """The indices of the values of a point by size; None where they have none."""
    if point.kind == "int":
        return tuple(range(size_of(point)))
    if point.kind == "categorical" and point.literals and _is_numeric(point):
        return tuple(np.argsort(np.array(point.literals), kind="stable").tolist())
    if table is None or table.entry_shape:
        return None
    values = [np.prod(value) for value in table.values.tolist() if _has_size(value)]
    return (
        tuple(np.argsort(values, kind="stable").tolist()) if len(values) == size_of(point) else None
    )


def _has_size(value: Any) -> bool:
    sides = value if isinstance(value, tuple | list) else (value,)
    return all(isinstance(side, int | float) for side in sides)
