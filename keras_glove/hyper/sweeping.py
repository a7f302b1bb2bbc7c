"""The number of DNAs in a space with conditions of any form, counted from left to right.

Two partial DNAs that agree on the decisions that later conditions name have the same number of
ways to go on. So they are counted together: a state holds the values of just those decisions,
all values that no condition names being one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

from keras_glove.errors import SpaceError
from keras_glove.hyper.groups import Arrangement
from keras_glove.hyper.structure import Structure, Unit

__all__ = ["sweep"]

State = tuple[tuple[int, Any], ...]
"""(decision point, value) for each point that later conditions name."""

_OTHER = "other"
"""Stands for all values that no condition names."""
_MAX_STATES = 1 << 16


def sweep(structure: Structure) -> int:
    """How many DNAs a space without floats has; raises `SpaceError` where it is out of reach."""
    last_use = {
        parent: unit.start for unit in structure.units for parent, _ in chain(*unit.clauses)
    }
    states: dict[State, int] = {(): 1}
    for unit in structure.units:
        following: Counter[State] = Counter()
        choices = _choices(structure, unit)
        inactive = {tuple((i, None) for i in range(unit.start, unit.stop) if i in last_use): 1}
        for state, ways in states.items():
            active = not unit.clauses or unit.active(dict(state))
            for values, number in (choices if active else inactive).items():
                kept = [pair for pair in (*state, *values) if last_use[pair[0]] > unit.start]
                following[tuple(kept)] += ways * number
        _check(len(following))
        states = following
    return sum(states.values())


def _choices(structure: Structure, unit: Unit) -> dict[State, int]:
    """What the unit can add to a state, and in how many ways."""
    named = {
        i: structure.dependents[i].keys() - {None}
        for i in range(unit.start, unit.stop)
        if i in structure.dependents
    }
    if unit.domain is not None:
        if not named:
            return {(): int(unit.domain.size)}
        values = named[unit.start]
        rest = int(unit.domain.size) - len(values)
        return {((unit.start, v),): n for v, n in [*((v, 1) for v in values), (_OTHER, rest)] if n}
    assert unit.arrangement is not None
    if not named:
        return {(): unit.arrangement.number}
    _check(unit.arrangement.number)
    return Counter(
        tuple((i, slots[i - unit.start] if slots[i - unit.start] in v else _OTHER)
              for i, v in named.items())
        for slots in _arrangements(unit.arrangement)
    )  # fmt: skip


def _arrangements(arrangement: Arrangement) -> Iterator[list[int]]:
    slots: list[int] | None = arrangement.first()
    while slots is not None:
        yield slots
        slots = arrangement.next(slots)


def _check(states: int) -> None:
    if states > _MAX_STATES:
        raise SpaceError(
            "Expected a space whose size can be counted, received one in which too many decisions "
            "depend on each other. It can be drawn from and searched; its size is not known."
        )
