"""The number of DNAs in a space with conditions of any form, counted from left to right.

Two partial DNAs that agree on the decisions that later conditions name have the same number of
ways to go on. So they are counted together: a state holds the values of just those decisions,
all values that no condition names being one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from keras_glove.errors import SpaceError
from keras_glove.hyper.constraints import Check
from keras_glove.hyper.groups import Arrangement
from keras_glove.hyper.structure import Structure, Unit

__all__ = ["sweep"]

State = tuple[tuple[int, Any], ...]
"""(decision point, value) for each point that later conditions name."""

_OTHER = "other"
"""Stands for all values that no condition names."""
_MAX_STATES = 1 << 16


def sweep(structure: Structure, checks: Sequence[Check] = ()) -> int:
    """How many DNAs a space without floats has that meet the checks.

    Raises `SpaceError` where it is out of reach.
    """
    tally = _Sweep(structure, checks)
    states: dict[State, int] = {(): 1}
    for unit in structure.units:
        states = tally.following(states, unit)
        _check(len(states))
    return sum(states.values())


class _Sweep:
    """What later conditions and checks have to know, unit by unit."""

    def __init__(self, structure: Structure, checks: Sequence[Check]) -> None:
        self._named: dict[int, set[Any]] = {}
        self._last_use: dict[int, int] = {}
        self._due: dict[int, list[Check]] = {}  # checks, by the unit that decides them
        for unit in structure.units:
            for parent, value in chain(*unit.clauses):
                self._last_use[parent] = unit.start
                self._named.setdefault(parent, set()).add(value)
        for check in checks:
            self._add(structure, check)

    def _add(self, structure: Structure, check: Check) -> None:
        own = check.choices or ()
        if not own:
            return  # about nothing that this space has: it holds
        last = max(structure.unit_of[choice.point].start for choice in own)
        self._due.setdefault(last, []).append(check)
        for choice in own:
            self._last_use[choice.point] = max(last, self._last_use.get(choice.point, 0))
            self._named.setdefault(choice.point, set()).update(choice.values)

    def following(self, states: dict[State, int], unit: Unit) -> dict[State, int]:
        """The states behind a unit."""
        result: Counter[State] = Counter()
        choices = self._choices(unit)
        span = range(unit.start, unit.stop)
        inactive = {tuple((i, None) for i in span if i in self._last_use): 1}
        due = self._due.get(unit.start, ())
        for state, ways in states.items():
            active = not unit.clauses or unit.active(dict(state))
            for values, number in (choices if active else inactive).items():
                together = (*state, *values)
                if due and not self._meets(due, dict(together)):
                    continue
                kept = [pair for pair in together if self._last_use[pair[0]] > unit.start]
                result[tuple(kept)] += ways * number
        return result

    def _meets(self, due: Sequence[Check], values: dict[int, Any]) -> bool:
        return all(check.allows(values) for check in due)

    def _choices(self, unit: Unit) -> Mapping[State, int]:
        """What the unit can add to a state, and in how many ways."""
        span = range(unit.start, unit.stop)
        named = {i: self._named[i] - {None} for i in span if i in self._named}
        if unit.domain is not None:
            if not named:
                return {(): int(unit.domain.size)}
            values = named[unit.start]
            rest = int(unit.domain.size) - len(values)
            each = [*((value, 1) for value in values), (_OTHER, rest)]
            return {((unit.start, value),): number for value, number in each if number}
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
