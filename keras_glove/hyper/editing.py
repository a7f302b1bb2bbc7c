"""Spaces as values: restricted, renamed, combined."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from keras_glove.errors import SpaceError
from keras_glove.hyper.dna import DNA, Value, trusted
from keras_glove.hyper.domains import domain_of
from keras_glove.hyper.points import Conditions, DecisionPoint, Group
from keras_glove.hyper.selecting import Choice, Selection, choices, indices

__all__ = ["Narrowing", "combined", "hinted", "narrow", "renamed"]

Points = tuple[DecisionPoint, ...]


# -- restricting ------------------------------------------------------------------------------


class Narrowing:
    """How the DNAs of a restricted space stand to those of the whole one.

    Args:
      size: the number of decision points of the whole space.
      places: for each point of the restricted space its place in the whole one.
      tables: for each point what its values stand for; None where they stand for themselves.
    """

    def __init__(
        self, size: int, places: Sequence[int], tables: Sequence[tuple[Any, ...] | None]
    ) -> None:
        self._size = size
        self._places = tuple(places)
        self._tables = tuple(tables)

    def widen(self, dna: DNA) -> DNA:
        """The DNA of the whole space."""
        values: list[Value] = [None] * self._size
        for value, place, table in zip(dna.values, self._places, self._tables, strict=True):
            values[place] = value if value is None or table is None else table[int(value)]
        return trusted(tuple(values))

    def has(self, points: Points, place: int, value: Any) -> bool:
        """Whether a value at a place of the whole space is left in the restricted one."""
        if place not in self._places:
            return False
        index = self._places.index(place)
        table, point = self._tables[index], points[index]
        if table is not None:
            return value in table
        return point.kind in ("categorical", "custom") or domain_of(point).problem(value) is None

    def narrow_value(self, place: int, value: Any) -> tuple[int, Any]:
        """The place and the value in the restricted space of one that is left."""
        index = self._places.index(place)
        table = self._tables[index]
        return index, value if table is None else table.index(value)

    def narrow(self, dna: DNA) -> DNA | None:
        """The DNA of the restricted space; None where it has left a value out."""
        values: list[Value] = []
        for place, table in zip(self._places, self._tables, strict=True):
            value = dna.values[place]
            if value is not None and table is not None:
                if value not in table:
                    return None
                value = table.index(value)
            values.append(value)
        narrowed = trusted(tuple(values))
        return narrowed if self.widen(narrowed) == dna else None


def narrow(points: Points, keep: Selection) -> tuple[Points, Narrowing]:
    """The points with some of their values, without those that can no longer become active.

    Raises `SpaceError` where nothing is left, or where slots of a `manyof` would differ.
    """
    kept: dict[int, Choice] = {}
    for name, values in keep:
        for choice in choices(points, name, values):
            kept[choice.point] = _both(kept.get(choice.point), choice)
    narrower = _Narrower(points, kept)
    for point in points:
        narrower.add(point)
    return tuple(narrower.made), Narrowing(len(points), narrower.places, narrower.tables)


def _both(known: Choice | None, choice: Choice) -> Choice:
    if known is None:
        return choice
    if choice.values and known.values:
        return choice._replace(values=choice.values & known.values)
    listed, other = (choice, known) if choice.values else (known, choice)
    if listed.values:
        return listed._replace(values=frozenset(v for v in listed.values if other.has(v)))
    return choice._replace(low=max(choice.low, known.low), high=min(choice.high, known.high))


class _Narrower:
    def __init__(self, points: Points, kept: Mapping[int, Choice]) -> None:
        self._points = points
        self._kept = kept
        self._index: dict[int, int] = {}  # old to new, of those that can be active
        self.made: list[DecisionPoint] = []
        self.places: list[int] = []
        self.tables: list[tuple[Any, ...] | None] = []

    def add(self, point: DecisionPoint) -> None:
        """Takes a point over, with what is left of it."""
        clauses = self._clauses(point)
        if clauses is None:
            return
        index = self._index[point.index] = len(self.made)
        fields, table = self._fields(point)
        self.made.append(
            replace(
                point,
                index=index,
                conditions=clauses[0] if clauses else (),
                also=tuple(clauses[1:]),
                group=self._group(point, index, fields),
                **fields,
            )
        )
        self.places.append(point.index)
        self.tables.append(table)

    def _clauses(self, point: DecisionPoint) -> list[Conditions] | None:
        """Its conditions; None where it cannot become active."""
        left: list[Conditions] = []
        for clause in (point.conditions, *point.also) if point.conditions else ():
            if any(value is None and parent not in self._index for parent, value in clause):
                continue  # asks for something to be inactive that always is
            pairs = [pair for parent, value in clause for pair in self._pair(parent, value)]
            if not pairs:
                return None
            left.append(tuple(pairs))
        return left

    def _pair(self, parent: int, value: int | None) -> list[tuple[int, int | None]]:
        if parent not in self._index:
            return []
        index = self._index[parent]
        table = self.tables[index]
        if value is None or (table is None and self._has(parent, value)):
            return [(index, value)]
        return [(index, table.index(value))] if table is not None and value in table else []

    def _has(self, parent: int, value: int) -> bool:
        choice = self._kept.get(parent)
        return choice is None or choice.has(value)

    def _fields(self, point: DecisionPoint) -> tuple[dict[str, Any], tuple[Any, ...] | None]:
        """What changes, and what the new values stand for."""
        choice = self._kept.get(point.index)
        if choice is None:
            return {}, None
        values = tuple(sorted(choice.values))
        if not values:
            return self._narrow_float(point, choice)
        if point.kind == "categorical":
            return _candidates([point.literals[i] for i in values]), values
        step = values[1] - values[0] if len(values) > 1 else 0
        even = all(b - a == step for a, b in itertools.pairwise(values))
        if point.kind == "int" and step and even:
            return {"low": values[0], "high": values[-1], "step": step}, None
        numbers = {"low": None, "high": None, "step": None, "scale": None}
        return {"kind": "categorical", **numbers, **_candidates(values)}, values

    def _narrow_float(
        self, point: DecisionPoint, choice: Choice
    ) -> tuple[dict[str, Any], tuple[Any, ...] | None]:
        if choice.low < choice.high:
            return {"low": choice.low, "high": choice.high}, None
        raise SpaceError(
            f"at `{point.path or 'the root'}`: expected values of {point.name!r} to be left, "
            "received restrictions that leave none. Give one value as such, not as a range."
        )

    def _group(self, point: DecisionPoint, index: int, fields: Mapping[str, Any]) -> Group | None:
        group = point.group
        if group is None:
            return None
        number = fields.get("num_candidates", group.num_candidates)
        alike = {self._kept[i].values if i in self._kept else None for i in group.indices}
        if len(alike) > 1 or (group.distinct and number < len(group.indices)):
            raise SpaceError(
                f"at `{point.path or 'the root'}`: expected one restriction for all "
                f"{len(group.indices)} slots of {point.name.rpartition('[')[0]!r} that leaves "
                f"enough candidates, received one that leaves {number} for {point.name!r}."
            )
        first = index - (point.index - group.indices[0])
        return replace(
            group, indices=tuple(range(first, first + len(group.indices))), num_candidates=number
        )


def _candidates(literals: Sequence[Any]) -> dict[str, Any]:
    texts = tuple([v if type(v) is str else repr(v) for v in literals])
    return {"num_candidates": len(texts), "candidates": texts, "literals": tuple(literals)}


# -- renaming and combining -------------------------------------------------------------------


def renamed(points: Points, names: Mapping[str, str] | Callable[[str], str]) -> Points:
    """The points under other names; raises `SpaceError` for unknown and for repeated ones."""
    name_of = renaming(points, names)
    made = tuple([replace(point, name=name_of(point.name)) for point in points])
    if len({point.name for point in made}) < len(made):
        raise SpaceError(
            f"Expected names that differ, received {[point.name for point in made][:20]}."
        )
    return made


def renaming(
    points: Points, names: Mapping[str, str] | Callable[[str], str]
) -> Callable[[str], str]:
    """The new name of a decision, of a slot, or of all slots of a `manyof`."""
    if callable(names):
        return names
    for name in names:
        indices(points, name)  # raises where there is none
    known = dict(names)

    def name_of(name: str) -> str:
        if name in known:
            return known[name]
        head, bracket, slot = name.rpartition("[")
        return f"{known[head]}{bracket}{slot}" if head in known else name

    return name_of


def hinted(points: Points, hints: Mapping[str, Any]) -> Points:
    """The points with other hints, told by names or patterns."""
    found = {index: own for name, own in hints.items() for index in indices(points, name)}
    return tuple([replace(p, hints=found.get(p.index, p.hints)) for p in points])


def combined(spaces: Mapping[str, Points]) -> Points:
    """The points of several spaces behind each other, each name behind that of its space."""
    made: list[DecisionPoint] = []
    for key, points in spaces.items():
        start = len(made)
        made += [_moved(point, start, key) for point in points]
    return tuple(made)


def prefixed(key: str, name: str) -> str:
    """The name of a decision in a combined space."""
    return f"{key}{name}" if name.startswith("[") else f"{key}.{name}"


def _moved(point: DecisionPoint, start: int, key: str) -> DecisionPoint:
    group = point.group
    return replace(
        point,
        index=point.index + start,
        name=prefixed(key, point.name),
        path=prefixed(key, point.path) if point.path else key,
        conditions=_shifted(point.conditions, start),
        also=tuple([_shifted(clause, start) for clause in point.also]),
        group=group and replace(group, indices=tuple([i + start for i in group.indices])),
    )


def _shifted(conditions: Conditions, start: int) -> Conditions:
    return tuple([(parent + start, value) for parent, value in conditions])
