"""Enumeration of a space in lexicographic order, without repeats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from keras_glove.errors import SpaceError
from keras_glove.hyper.dna import DNA, Value, trusted
from keras_glove.hyper.structure import Structure, Unit

__all__ = ["enumerate_all", "first", "following", "require_enumerable"]


def require_enumerable(structure: Structure) -> None:
    """Raises `SpaceError` where a float decision makes the space a continuum."""
    if structure.first_float is not None:
        point = structure.points[structure.first_float]
        what = f"a float from {point.low!r} to {point.high!r}"
        if point.custom is not None:
            what = f"a {type(point.custom).__name__}"
        raise SpaceError(
            f"at `{point.path or 'the root'}`: expected decisions that can be enumerated, received "
            f"{point.name!r}, {what}. Draw from the space "
            "with `random` or `sample`, or give the values to try with `oneof([...])`."
        )


def first(structure: Structure) -> DNA:
    """The first DNA: every active decision at its smallest value."""
    values: list[Value] = []
    _complete(structure.units, values)
    return trusted(tuple(values))


def following(structure: Structure, values: Sequence[Value]) -> DNA | None:
    """The DNA after `values` in lexicographic order, None after the last."""
    units = structure.units
    for place in range(len(units) - 1, -1, -1):
        unit = units[place]
        if values[unit.start] is None:
            continue
        raised = _raised(unit, values)
        if raised is not None:
            changed = [*values[: unit.start], *raised]
            _complete(units[place + 1 :], changed)
            return trusted(tuple(changed))
    return None


def enumerate_all(structure: Structure) -> Iterator[DNA]:
    """All DNAs in lexicographic order."""
    dna: DNA | None = first(structure)
    while dna is not None:
        yield dna
        dna = following(structure, dna.values)


def _raised(unit: Unit, values: Sequence[Value]) -> Sequence[Value] | None:
    if unit.arrangement is not None:
        return unit.arrangement.next(values[unit.start : unit.stop])  # type: ignore[arg-type]
    assert unit.domain is not None
    value = unit.domain.next(values[unit.start])
    return None if value is None else (value,)


def _complete(units: Sequence[Unit], values: list[Value]) -> None:
    """Appends the smallest values of `units` that fit the decisions made so far."""
    for unit in units:
        if unit.clauses and not unit.active(values):
            values += [None] * (unit.stop - unit.start)
        elif unit.domain is not None:
            values.append(unit.domain.first())
        elif unit.arrangement is not None:
            values += unit.arrangement.first()
