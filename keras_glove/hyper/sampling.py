"""Seeded random sampling: one DNA, or batches of them, from the same stream of numbers.

Every point reads its own column of a uniform `(rows, points)` table, so a batch of n draws
what n single draws would. Each choice, number and arrangement is drawn uniformly on its scale,
given the decisions that make it active.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_glove.errors import SpaceError
from keras_glove.hyper.dna import DNA, Value, trusted
from keras_glove.hyper.scales import Array
from keras_glove.hyper.structure import Structure

__all__ = ["require_numbers", "sample", "sample_array", "sample_one"]


def sample_one(structure: Structure, rng: np.random.Generator) -> DNA:
    """One DNA, drawn from the generator."""
    u = rng.random(len(structure.points)).tolist()
    values: list[Value] = []
    for unit in structure.units:
        if unit.clauses and not unit.active(values):
            values += [None] * (unit.stop - unit.start)
        elif unit.domain is not None:
            values.append(unit.domain.draw(u[unit.start]))
        elif unit.arrangement is not None:
            values += unit.arrangement.draw(u[unit.start : unit.stop])
    return trusted(tuple(values))


def require_numbers(structure: Structure) -> None:
    """Raises `SpaceError` where a DNA holds texts, so that it is no vector."""
    if structure.first_custom is not None:
        point = structure.points[structure.first_custom]
        raise SpaceError(
            f"at `{point.path or 'the root'}`: expected decisions that are numbers, received "
            f"{point.name!r}, a {type(point.custom).__name__}. Search such a space by evolution, "
            "random search or hill climbing, which ask for no vectors."
        )


def sample_array(structure: Structure, n: int, rng: np.random.Generator) -> Array:
    """Many DNAs as one array, shape `(n, points)`, nan where inactive."""
    require_numbers(structure)
    table = np.ascontiguousarray(rng.random((n, len(structure.points))).T)
    for unit in structure.units:
        part = table[unit.start : unit.stop]
        if unit.domain is not None:
            part[0] = unit.domain.draw_array(part[0])
        elif unit.arrangement is not None:
            part[:] = unit.arrangement.draw_array(part)
        for clause in unit.clauses:
            holds = np.zeros(n, dtype=bool)
            for parent, value in clause:
                holds |= np.isnan(table[parent]) if value is None else table[parent] == value
            part[:, ~holds] = np.nan
    return table.T


def sample(structure: Structure, n: int, rng: np.random.Generator) -> list[DNA]:
    """Many DNAs: the rows of `sample_array`."""
    if structure.first_custom is not None:
        return [sample_one(structure, rng) for _ in range(n)]
    table = sample_array(structure, n, rng).T
    columns = [
        _column(table[point.index], point.kind == "float", bool(point.conditions))
        for point in structure.points
    ]
    rows = zip(*columns, strict=True) if columns else [()] * n
    return [trusted(row) for row in rows]


def _column(numbers: Array, is_float: bool, conditional: bool) -> list[Any]:
    """One decision of many DNAs as Python values."""
    if not conditional:
        column: Any = numbers if is_float else numbers.astype(np.int64)
    else:
        inactive = np.isnan(numbers)
        plain = numbers if is_float else np.where(inactive, 0, numbers).astype(np.int64)
        column = plain.astype(object)
        column[inactive] = None
    values: list[Any] = column.tolist()
    return values
