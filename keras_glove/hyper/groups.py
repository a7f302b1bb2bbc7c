"""Arrangements: the joint values of the k slots of a `manyof`.

| distinct | sorted | the slots are | number, of n candidates |
| --- | --- | --- | --- |
| yes | no | a k-permutation | n! / (n - k)! |
| yes | yes | a k-subset, ascending | C(n, k) |
| no | yes | a multiset, ascending | C(n + k - 1, k) |
| no | no | any k | n ** k |

Drawing gives each arrangement the same probability.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_glove.hyper.domains import Categorical
from keras_glove.hyper.points import Group
from keras_glove.hyper.scales import Array

__all__ = ["Arrangement", "Slots"]

Slots = list[int]


class Arrangement:
    """All joint values of the slots of one group."""

    def __init__(self, group: Group) -> None:
        self.width = len(group.indices)
        self.size = group.num_candidates
        self.single = Categorical(self.size)
        self.distinct = group.distinct
        self.sorted = group.sorted
        full = self.distinct and self.sorted and self.size == self.width
        self.forced = full or self.size == 1
        # A multiset is a subset of a longer row of candidates, closed up again.
        self._row = self.size + self.width - 1 if self.sorted and not self.distinct else self.size

    @property
    def number(self) -> int:
        """How many arrangements there are."""
        if self.distinct:
            return (math.comb if self.sorted else math.perm)(self.size, self.width)
        return math.comb(self._row, self.width) if self.sorted else self.size**self.width

    # -- drawing ---------------------------------------------------------------

    def draw(self, u: Sequence[float]) -> Slots:
        """The arrangement that `width` uniform numbers fall on."""
        n = self._row
        if not self.distinct and not self.sorted:
            return [int(x * n) for x in u]
        # Fisher-Yates, remembering only the places that were touched.
        moved: dict[int, int] = {}
        picks = []
        for j, x in enumerate(u):
            place = j + int(x * (n - j))
            picks.append(moved.get(place, place))
            moved[place] = moved.get(j, j)
        if self.sorted:
            picks.sort()
        return picks if self.distinct else [pick - j for j, pick in enumerate(picks)]

    def draw_array(self, u: Array) -> Array:
        """`draw` for each column of `u`, shape `(width, rows)`."""
        n = self._row
        if not self.distinct and not self.sorted:
            return np.floor(u * n)
        steps = np.arange(self.width, dtype=np.float64)[:, None]
        places = steps + np.floor(u * (n - steps))
        picks = places.copy()
        for j in range(1, self.width):
            # What stands at a place now is what earlier swaps put there, the latest first.
            for i in range(j - 1, -1, -1):
                picks[j][picks[j] == places[i]] = i
        if self.sorted:
            picks.sort(axis=0)
        return picks if self.distinct else picks - steps

    # -- enumeration -------------------------------------------------------------

    def first(self) -> Slots:
        """The smallest arrangement in lexicographic order."""
        return list(range(self.width)) if self.distinct else [0] * self.width

    def next(self, slots: Sequence[int]) -> Slots | None:
        """The arrangement after `slots` in lexicographic order, None after the last."""
        for j in range(self.width - 1, -1, -1):
            head = list(slots[:j])
            raised = self._raised(slots[j], head, j)
            if raised is not None:
                return self._filled([*head, raised])
        return None

    def _raised(self, value: int, head: Slots, slot: int) -> int | None:
        last = self.size - 1
        if self.distinct and self.sorted:
            last -= self.width - 1 - slot  # leaves room for the slots behind
        taken = set(head) if self.distinct and not self.sorted else ()
        return next((v for v in range(value + 1, last + 1) if v not in taken), None)

    def _filled(self, head: Slots) -> Slots:
        missing = self.width - len(head)
        if self.sorted:
            start, stride = (head[-1] + 1, 1) if self.distinct else (head[-1], 0)
            return head + [start + stride * i for i in range(missing)]
        if not self.distinct:
            return head + [0] * missing
        taken = set(head)
        free = (v for v in range(self.size) if v not in taken)
        return head + [next(free) for _ in range(missing)]

    # -- checking ----------------------------------------------------------------

    def problem(self, slots: Sequence[Any]) -> tuple[int, str] | None:
        """The first slot that breaks the arrangement, and what was expected there."""
        for j, value in enumerate(slots):
            expected = self.single.problem(value)
            if expected is None and self.distinct and value in slots[:j]:
                expected = f"a candidate that no other slot has chosen ({slots[:j]} are taken)"
            if expected is None and self.sorted and j and value < slots[j - 1]:
                expected = f"an index of at least {slots[j - 1]}, as the slots are sorted"
            if expected is not None:
                return j, expected
        return None

    # -- changing ----------------------------------------------------------------

    def repair(
        self, slots: Sequence[int | None], rng: np.random.Generator
    ) -> tuple[Slots, list[int]]:
        """An arrangement that keeps what it can of `slots`, where None is still to be drawn.

        Returns the arrangement, and for each slot the one that its content comes from.
        """
        kept: list[int | None] = list(slots)
        if self.distinct:
            kept = [None if value in kept[:j] else value for j, value in enumerate(kept)]
        full: Slots = []
        for j, value in enumerate(kept):
            if value is None:
                value = kept[j] = self._free(kept, rng)
            full.append(value)
        return self._in_order(full)

    def move(
        self, slots: Sequence[int], slot: int, rng: np.random.Generator
    ) -> tuple[Slots, list[int]]:
        """Another arrangement, in which `slot` has let go of its candidate.

        There has to be another one. Returns it with the slot that each content comes from.
        """
        changed, origins = list(slots), list(range(self.width))
        if self.distinct and self.sorted:
            changed[slot] = self._free(slots, rng)
            return self._in_order(changed)
        value = self.single.move(slots[slot], rng)
        if self.distinct and value in changed:
            other = changed.index(value)
            changed[other], origins[slot], origins[other] = changed[slot], other, slot
        changed[slot] = value
        return self._in_order(changed) if self.sorted else (changed, origins)

    def _free(self, taken: Sequence[int | None], rng: np.random.Generator) -> int:
        """A candidate at random, of those not taken where they have to be distinct."""
        if not self.distinct:
            return int(rng.random() * self.size)
        used = sorted({value for value in taken if value is not None})
        pick = int(rng.random() * (self.size - len(used)))
        for value in used:
            pick += value <= pick
        return pick

    def _in_order(self, slots: Slots) -> tuple[Slots, list[int]]:
        origins = list(range(self.width))
        if self.sorted:
            origins.sort(key=slots.__getitem__)
        return [slots[j] for j in origins], origins
