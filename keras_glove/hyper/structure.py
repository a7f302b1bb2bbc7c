"""`Structure`: decision points, compiled once for everything that is done with a space.

Points are in topological order: whatever decides whether a point is active stands before it.
One pass from left to right therefore draws, checks or repairs a whole DNA.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from keras_glove.hyper.domains import Domain, domain_of
from keras_glove.hyper.groups import Arrangement
from keras_glove.hyper.points import Conditions, DecisionPoint

__all__ = ["Arm", "Structure", "Unit", "dominators"]


class Unit:
    """What is decided at once: one decision point, or all slots of a group.

    Attributes:
      start, stop: its slots in the DNA.
      domain: the values of a single point, None for a group.
      arrangement: the joint values of a group, None for a single point.
      forced: there is only one value.
      clauses: the sets of conditions of each of which one has to hold; empty when always active.
    """

    __slots__ = ("arrangement", "clauses", "conditions", "domain", "forced", "start", "stop")

    def __init__(self, point: DecisionPoint) -> None:
        self.start = point.index
        self.conditions: Conditions = point.conditions
        self.clauses = (point.conditions, *point.also) if point.conditions else ()
        self.domain: Domain | None = None
        self.arrangement: Arrangement | None = None
        if point.group is None:
            self.domain = domain_of(point)
            self.stop = self.start + 1
            self.forced = self.domain.size == 1
        else:
            self.arrangement = Arrangement(point.group)
            self.stop = self.start + self.arrangement.width
            self.forced = self.arrangement.forced

    def active(self, values: Sequence[Any] | dict[int, Any]) -> bool:
        """Whether it is to be decided, under the decisions before it."""
        for clause in self.clauses:
            for parent, value in clause:
                if values[parent] == value:
                    break
            else:
                return False
        return True


class Structure:
    """The compiled form of decision points.

    Attributes:
      units: single points and groups, in order.
      unit_of: for each point its unit.
      dependents: for each (point, value) that some condition names, the units it is named by.
      blocks: for each slot of a group whose candidates hold decisions of their own, the
        points that exist for that slot alone. Blocks of one group correspond one to one.
      first_float: the first point that cannot be enumerated, or None.
      first_custom: the first point whose values are no numbers, or None.
    """

    def __init__(self, points: Sequence[DecisionPoint]) -> None:
        self.points = tuple(points)
        self.units = [Unit(p) for p in points if p.group is None or p.group.indices[0] == p.index]
        self.unit_of: list[Unit] = []
        self.dependents: dict[int, dict[int | None, list[Unit]]] = {}
        for unit in self.units:
            self.unit_of += [unit] * (unit.stop - unit.start)
            for parent, value in itertools.chain(*unit.clauses):
                self.dependents.setdefault(parent, {}).setdefault(value, []).append(unit)
        self.blocks = _blocks(self)
        self.first_float = next((p.index for p in points if p.kind in ("float", "custom")), None)
        self.first_custom = next((p.index for p in points if p.kind == "custom"), None)


class Arm:
    """A branch of the space: what exists only when `point` has a certain value."""

    __slots__ = ("depth", "point", "up", "value")

    def __init__(self, point: int, value: int, up: Arm | None) -> None:
        self.point, self.value, self.up = point, value, up
        self.depth: int = up.depth + 1 if up is not None else 0


def dominators(structure: Structure) -> tuple[list[Arm | None], dict[tuple[int, int], Arm]]:
    """For each unit the innermost arm that it can only be reached through, None for none.

    Also returns the arms, by (point, value).
    """
    arms: dict[tuple[int, int], Arm] = {}
    of_point: list[Arm | None] = []
    of_unit: list[Arm | None] = []
    for unit in structure.units:
        found: list[Arm | None] = []
        for point, value in unit.conditions:
            if value is None:  # reached where another decision is not: through no arm
                found.append(None)
                continue
            if (point, value) not in arms:
                arms[point, value] = Arm(point, value, of_point[point])
            found.append(arms[point, value])
        common: Arm | None = found[0] if found else None
        for arm in found[1:]:
            common = _meet(common, arm)
        of_unit.append(common)
        of_point += [common] * (unit.stop - unit.start)
    return of_unit, arms


def _meet(left: Arm | None, right: Arm | None) -> Arm | None:
    while left is not right:
        if left is None or right is None:
            return None
        if left.depth >= right.depth:
            left = left.up
        else:
            right = right.up
    return left


def _blocks(structure: Structure) -> dict[int, list[int]]:
    slots = {
        i for unit in structure.units if unit.arrangement for i in range(unit.start, unit.stop)
    }
    if not slots.intersection(structure.dependents):
        return {}
    blocks: dict[int, list[int]] = {slot: [] for slot in slots}
    arms, _ = dominators(structure)
    for unit, arm in zip(structure.units, arms, strict=True):
        while arm is not None:
            if arm.point in slots:
                blocks[arm.point] += range(unit.start, unit.stop)
            arm = arm.up
    for unit in structure.units:
        if unit.arrangement and not _correspond(structure, unit, blocks):
            for slot in range(unit.start, unit.stop):
                del blocks[slot]
    return blocks


def _correspond(structure: Structure, unit: Unit, blocks: dict[int, list[int]]) -> bool:
    """Whether the slots of a group have like decisions below them, and any at all.

    They do in spaces made from programs; a traced function can treat each slot in its own way.
    """
    kinds = [
        [_kind(structure.points[i]) for i in blocks[slot]] for slot in range(unit.start, unit.stop)
    ]
    return bool(kinds[0]) and all(kind == kinds[0] for kind in kinds)


def _kind(point: DecisionPoint) -> tuple[Any, ...]:
    group = point.group
    shape = (len(group.indices), group.distinct, group.sorted) if group else ()
    return (point.kind, point.candidates, point.low, point.high, point.step, *shape)
