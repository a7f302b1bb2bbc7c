"""Making vectors valid, and changing one decision: what mutation and crossover are built on."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_glove.errors import DNAError
from keras_glove.hyper.dna import DNA, Value, trusted
from keras_glove.hyper.structure import Structure, Unit

__all__ = ["complete", "mutate"]


def complete(structure: Structure, values: Sequence[Any], rng: np.random.Generator) -> DNA:
    """The DNA that keeps what it can of `values`; what is missing is drawn."""
    wanted = [_number(value, index) for index, value in enumerate(values)]
    result: list[Value] = []
    for unit in structure.units:
        if unit.clauses and not unit.active(result):
            result += [None] * (unit.stop - unit.start)
        elif unit.domain is not None:
            value = wanted[unit.start]
            if isinstance(value, str) and unit.domain.numeric:
                raise _not_a_number(value, unit.start)
            kept = None if value is None else unit.domain.coerce(value)
            result.append(unit.domain.draw(rng.random()) if kept is None else kept)
        else:
            result += _complete_group(structure, unit, wanted, rng)
    return trusted(tuple(result))


def _number(value: Any, index: int) -> Any:
    if value is None or type(value) is int or isinstance(value, str):
        return value
    if isinstance(value, (float, np.number)) or hasattr(value, "__index__"):
        return None if math.isnan(value) else value
    raise _not_a_number(value, index)


def _not_a_number(value: Any, index: int) -> DNAError:
    return DNAError(f"Expected an int, a float or None at index {index}, received {value!r}.")


def _complete_group(
    structure: Structure, unit: Unit, wanted: list[int | float | None], rng: np.random.Generator
) -> list[int]:
    arrangement = unit.arrangement
    assert arrangement is not None
    single = arrangement.single
    for index in range(unit.start, unit.stop):
        if isinstance(wanted[index], str):
            raise _not_a_number(wanted[index], index)
    slots = [None if v is None else single.coerce(v) for v in wanted[unit.start : unit.stop]]
    arranged, origins = arrangement.repair(slots, rng)
    _carry_along(structure, unit, origins, list(wanted), wanted)
    return arranged


def _carry_along(
    structure: Structure, unit: Unit, origins: list[int], old: Sequence[Any], new: list[Any]
) -> list[int]:
    """Moves the decisions below each slot to where its content has gone; returns their indices."""
    moved: list[int] = []
    if unit.start in structure.blocks:
        for slot, origin in enumerate(origins):
            if slot != origin:
                here = structure.blocks[unit.start + slot]
                there = structure.blocks[unit.start + origin]
                for i, j in zip(here, there, strict=True):
                    new[i] = old[j]
                moved += here
    return moved


def mutate(structure: Structure, dna: DNA, index: int, rng: np.random.Generator) -> DNA:
    """Another DNA in which the decision at `index` has changed, where that can be."""
    unit = structure.unit_of[index]
    if unit.forced:
        free = [u for u in structure.units if not u.forced and dna.values[u.start] is not None]
        if not free:
            return dna
        unit = free[int(rng.random() * len(free))]
        index = unit.start + int(rng.random() * (unit.stop - unit.start))
    values = list(dna.values)
    affected = _Affected(structure, dna.values, values)
    if unit.domain is not None:
        values[index] = unit.domain.move(values[index], rng)
        affected.by(index)
    else:
        _move_group(structure, unit, index, dna.values, values, affected, rng)
    affected.settle(rng)
    return trusted(tuple(values))


def _move_group(
    structure: Structure,
    unit: Unit,
    index: int,
    old: Sequence[Any],
    values: list[Value],
    affected: _Affected,
    rng: np.random.Generator,
) -> None:
    assert unit.arrangement is not None
    slots = old[unit.start : unit.stop]
    arranged, origins = unit.arrangement.move(slots, index - unit.start, rng)
    values[unit.start : unit.stop] = arranged
    for i in range(unit.start, unit.stop):
        if values[i] != old[i] or origins[i - unit.start] != i - unit.start:
            affected.by_any(i)
    for i in _carry_along(structure, unit, origins, old, values):
        affected.by(i)


class _Affected:
    """The units whose activity has to be looked at again, in topological order."""

    def __init__(self, structure: Structure, old: Sequence[Value], values: list[Value]) -> None:
        self._structure = structure
        self._old = old
        self._values = values
        self._queue: list[int] = []
        self._seen: set[int] = set()

    def by(self, index: int) -> None:
        """Notes that a decision has changed from its old value."""
        self._by_values(index, (self._old[index], self._values[index]))

    def by_any(self, index: int) -> None:
        """Notes that a decision has changed from a value that is not known."""
        self._by_values(index, self._structure.dependents.get(index, ()))

    def _by_values(self, index: int, values: Iterable[Any]) -> None:
        below = self._structure.dependents.get(index)
        if below is None:
            return
        for value in values:
            for unit in below.get(value, ()):
                if unit.start not in self._seen:
                    self._seen.add(unit.start)
                    heapq.heappush(self._queue, unit.start)

    def settle(self, rng: np.random.Generator) -> None:
        """Draws what has become active, and clears what has become inactive."""
        values = self._values
        while self._queue:
            unit = self._structure.unit_of[heapq.heappop(self._queue)]
            active = unit.active(values)
            if active == (values[unit.start] is not None):
                continue
            span = range(unit.start, unit.stop)
            before = [values[i] for i in span]
            if not active:
                values[unit.start : unit.stop] = [None] * len(span)
            elif unit.domain is not None:
                values[unit.start] = unit.domain.draw(rng.random())
            elif unit.arrangement is not None:
                values[unit.start : unit.stop] = unit.arrangement.draw([rng.random() for _ in span])
            for i, value in zip(span, before, strict=True):
                self._by_values(i, (value, values[i]))
