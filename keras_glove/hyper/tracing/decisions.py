"""The decisions of a function: what each can be answered, their order and their names."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from keras_glove.hyper.custom import CustomValue
from keras_glove.hyper.dna import DNA
from keras_glove.hyper.domains import Domain, domain_of
from keras_glove.hyper.groups import Arrangement
from keras_glove.hyper.naming import points_of
from keras_glove.hyper.tracing.call_sites import Place, place_names
from keras_glove.hyper.values import FloatV, HyperValue, IntV

__all__ = ["Answer", "Answers", "Decision", "Key", "give_names", "in_order"]

Answer = tuple[Any, ...]
"""The values of the decision points of one decision: k for a `manyof`, else one."""

Key = tuple[str | Place, Any]
"""What decisions are told apart by: a given name or else the place, and what can be chosen."""

Answers = dict[Key, Answer]
"""What one run was answered, in the order of asking."""

_FEW = 32
"""Ranges of integers up to this size are tried value by value from the start."""


class Decision:
    """A hyper-value that a function asks for; the same one in every run.

    Args:
      key: what tells it apart.
      value: as it was met first.
      answers: those of the run in which it was met, so far.

    Attributes:
      value: the hyper-value as it was met first.
      points: its decision points, as if they were a space of their own.
      depends_on: (decision, slot) pairs that tell whether it is active.
      start: its first decision point.
      name: what it is called.
    """

    start = 0
    name = ""

    def __init__(self, key: Key, value: HyperValue, answers: dict[Key, Answer]) -> None:
        self.key = key
        self.value = value
        self._met = (answers, len(answers))
        self.depends_on: list[tuple[Key, int]] = []
        self.points = points_of(value, 0, "", path="")
        numbers = isinstance(value, (IntV, FloatV, CustomValue))
        self.all_tried = not numbers or self.size <= _FEW

    @property
    def width(self) -> int:
        """The number of its decision points."""
        return len(self.points)

    @property
    def context(self) -> dict[Key, Answer]:
        """The answers given before it when it was met first."""
        answers, number = self._met
        return dict(islice(answers.items(), number))

    @property
    def is_float(self) -> bool:
        """Whether its values cannot be enumerated."""
        return isinstance(self.value, (FloatV, CustomValue))

    @property
    def size(self) -> int | float:
        """How many values its first point has."""
        return self._domain.size

    @property
    def _domain(self) -> Domain:
        return domain_of(self.points[0])

    def answer(self, dna: DNA) -> Answer | None:
        """What a DNA says; None where it is inactive."""
        told = dna.values[self.start : self.start + self.width]
        return None if told[0] is None else told

    def first(self) -> Answer:
        """The answer where none is told."""
        group = self.points[0].group
        return tuple(Arrangement(group).first()) if group else (self._domain.first(),)

    def others(self) -> Iterator[Answer]:
        """Answers beside the first one that together show each value, or the range, of a point."""
        group = self.points[0].group
        if group is not None:
            yield from _spread(Arrangement(group))
            return
        domain = self._domain
        if self.all_tried:
            value = domain.next(domain.first())
            while value is not None:
                yield (value,)
                value = domain.next(value)
        else:
            seen = {domain.first()}
            for u in (1.0 - 2**-53, 0.5, 0.25, 0.75, 0.01):
                value = domain.draw(u)
                if value not in seen:
                    seen.add(value)
                    yield (value,)


def _spread(arrangement: Arrangement) -> Iterator[Answer]:
    """Arrangements in which each slot takes each candidate that it can take."""
    seen = {tuple(arrangement.first())}
    for slot in range(arrangement.width):
        for candidate in range(arrangement.size):
            answer = _placed(arrangement, slot, candidate)
            if answer is not None and answer not in seen:
                seen.add(answer)
                yield answer


def _placed(arrangement: Arrangement, slot: int, candidate: int) -> Answer | None:
    """An arrangement with a candidate in a slot, else close to the first; None for none."""
    slots = arrangement.first()
    if arrangement.sorted and arrangement.distinct:
        slots = [candidate - slot + i for i in range(arrangement.width)]
    elif arrangement.sorted:
        slots[slot:] = [candidate] * (arrangement.width - slot)
    else:
        if arrangement.distinct and candidate in slots:
            slots[candidate] = slots[slot]
        slots[slot] = candidate
    return tuple(slots) if arrangement.problem(slots) is None else None


def in_order(known: Mapping[Key, Decision], followed: Iterable[tuple[Key, Key]]) -> list[Decision]:
    """Decisions in the order of asking; those that runs disagree about in the order of meeting."""
    rank = {key: number for number, key in enumerate(known)}
    keys = list(known)
    behind: dict[int, list[int]] = {}
    waiting = [0] * len(keys)
    for first, second in followed:
        behind.setdefault(rank[first], []).append(rank[second])
        waiting[rank[second]] += 1
    ready = [number for number, count in enumerate(waiting) if not count]
    left = dict.fromkeys(range(len(keys)))
    order: list[Decision] = []
    while left:
        # With nothing ready runs have asked in circles: then the first that is left goes next.
        number = heapq.heappop(ready) if ready else next(iter(left))
        if number not in left:
            continue
        del left[number]
        order.append(known[keys[number]])
        for after in behind.get(number, ()):
            waiting[after] -= 1
            if not waiting[after]:
                heapq.heappush(ready, after)
    return order


def give_names(decisions: Iterable[Decision]) -> None:
    """Gives each decision its name: the one it was given, else that of its place."""
    decisions = list(decisions)
    places = place_names([d.key[0] for d in decisions if not isinstance(d.key[0], str)])
    taken = {decision.key[0] for decision in decisions if isinstance(decision.key[0], str)}
    for decision in decisions:
        where = decision.key[0]
        if isinstance(where, str):
            decision.name = where
            continue
        name, number = places[where], 2
        while name in taken:
            name, number = f"{places[where]}#{number}", number + 1
        taken.add(name)
        decision.name = name
