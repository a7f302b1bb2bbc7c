"""The exact number of DNAs in a space.

Where every decision hangs below one parent the count is a product over decisions and a sum over
candidates. A decision reached through several parents (a hyper-value used in several places) has
to be counted once however many of them reach it. So what hangs below a branch is counted as a
polynomial: a map from the set of such shared decisions that it activates, as a bit mask, to the
number of ways to do so. Sums add maps; products multiply counts and join sets. A shared decision
is eliminated at the innermost branch that all its parents are in: the terms that hold it are
multiplied by its own polynomial. Only polynomials that mention it are multiplied out for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import reduce

from keras_glove.errors import SpaceError
from keras_glove.hyper.constraints import Check
from keras_glove.hyper.groups import Arrangement
from keras_glove.hyper.structure import Arm, Structure, Unit, dominators
from keras_glove.hyper.sweeping import sweep

__all__ = ["count", "count_allowed"]

Polynomial = dict[int, int]
_ONE: Polynomial = {0: 1}
_MAX_TERMS = 1 << 20


def count(structure: Structure) -> int | float:
    """How many DNAs there are; `math.inf` with a float decision.

    Raises `SpaceError` where so many shared decisions entangle that counting is out of reach.
    """
    if structure.first_float is not None:
        return math.inf
    if any(len(u.clauses) > 1 or any(v is None for _, v in u.conditions) for u in structure.units):
        return sweep(structure)
    return _Counter(structure).total()


def count_allowed(structure: Structure, checks: Sequence[Check]) -> int | float:
    """How many DNAs the checks allow; `math.inf` with a float decision.

    Raises `SpaceError` for a check by a function, and where counting is out of reach.
    """
    if structure.first_float is not None:
        return math.inf
    if any(check.choices is None for check in checks):
        raise SpaceError(
            "Expected constraints that can be counted (`forbid`, `require`), received one by a "
            "function. Count by iteration where the space is small: "
            "`sum(map(space.allows, space))`."
        )
    return sweep(structure, checks)


class _Counter:
    def __init__(self, structure: Structure) -> None:
        self._units = structure.units
        self._homes, arms = dominators(structure)
        self._members: dict[Arm | None, list[int]] = {}
        for place, home in enumerate(self._homes):
            self._members.setdefault(home, []).append(place)
        self._arms: dict[int, dict[int, Arm]] = {}
        for (point, value), arm in arms.items():
            self._arms.setdefault(point, {})[value] = arm
        self._marks = self._find_marks(arms)
        self._polynomials: list[Polynomial] = [{}] * len(self._units)

    def _find_marks(self, arms: dict[tuple[int, int], Arm]) -> dict[Arm, int]:
        """For each arm the shared decisions, as a mask, that it activates."""
        marks: dict[Arm, int] = {}
        for place, unit in enumerate(self._units):
            home = self._homes[place]
            if home is not None and (home.point, home.value) in unit.conditions:
                continue  # active wherever its home is: the other conditions add nothing
            for point, value in unit.conditions:
                assert value is not None
                arm = arms[point, value]
                marks[arm] = marks.get(arm, 0) | 1 << place
        return marks

    def total(self) -> int:
        for place in range(len(self._units) - 1, -1, -1):
            self._polynomials[place] = self._of_unit(self._units[place])
        return self._of_branch(None).get(0, 0)

    def _of_unit(self, unit: Unit) -> Polynomial:
        if unit.arrangement is not None:
            slots = [self._of_arms(point) for point in range(unit.start, unit.stop)]
            return _of_group(unit.arrangement, slots)
        assert unit.domain is not None
        below = self._of_arms(unit.start)
        return _sum([*below.values(), {0: int(unit.domain.size) - len(below)}])

    def _of_arms(self, point: int) -> dict[int, Polynomial]:
        arms = self._arms.get(point, {})
        return {value: self._of_branch(arm) for value, arm in arms.items()}

    def _of_branch(self, arm: Arm | None) -> Polynomial:
        """What hangs below an arm, or below the root."""
        own = (arm.point, arm.value) if arm is not None else None
        factors, shared = [], []
        for place in self._members.get(arm, ()):
            conditions = self._units[place].conditions
            if own in conditions or not conditions:
                factors.append(self._polynomials[place])
            else:
                shared.append(place)
        for place in shared:  # in topological order: all that activates it is among the factors
            factors = _eliminate(1 << place, self._polynomials[place], factors)
        result = reduce(_product, factors, _ONE)
        mark = self._marks.get(arm, 0) if arm is not None else 0
        return _product(result, {mark: 1}) if mark else result


def _eliminate(bit: int, own: Polynomial, factors: list[Polynomial]) -> list[Polynomial]:
    mentioned = [any(mask & bit for mask in factor) for factor in factors]
    rest = [f for f, hit in zip(factors, mentioned, strict=True) if not hit]
    joint = reduce(_product, (f for f, hit in zip(factors, mentioned, strict=True) if hit), _ONE)
    active = {mask ^ bit: ways for mask, ways in joint.items() if mask & bit}
    inactive = {mask: ways for mask, ways in joint.items() if not mask & bit}
    return [*rest, _sum([_product(active, own), inactive])]


def _sum(terms: Iterable[Polynomial]) -> Polynomial:
    result: Polynomial = {}
    for term in terms:
        for mask, ways in term.items():
            result[mask] = result.get(mask, 0) + ways
    return {mask: ways for mask, ways in result.items() if ways}


def _product(left: Polynomial, right: Polynomial) -> Polynomial:
    if len(left) * len(right) > _MAX_TERMS:
        raise SpaceError(
            "Expected a space whose size can be counted, received one in which too many shared "
            "decisions depend on each other. It can be drawn from and searched; its size is "
            "not known. Use separate hyper-values in place of one that is used in many places."
        )
    result: Polynomial = {}
    for a, m in left.items():
        for b, n in right.items():
            result[a | b] = result.get(a | b, 0) + m * n
    return result


# -- the slots of a manyof ---------------------------------------------------------


def _of_group(arrangement: Arrangement, slots: list[dict[int, Polynomial]]) -> Polynomial:
    n, k = arrangement.size, arrangement.width
    touched = sorted({candidate for slot in slots for candidate in slot})
    rest = n - len(touched)
    if arrangement.sorted:
        return _of_sorted(arrangement, slots, touched)
    if not arrangement.distinct:
        sums = (_sum([*slot.values(), {0: n - len(slot)}]) for slot in slots)
        return reduce(_product, sums, _ONE)
    alike = [c for c in touched if all(slot.get(c) == slots[0].get(c) for slot in slots)]
    others = [c for c in touched if c not in alike]
    # Those with the same polynomial in every slot: choose a set of them, then order it.
    sets = _subsets([slots[0][c] for c in alike], rest, k)
    placed = _placements(slots, others)
    return _sum(
        _product(ways, {mask: m * math.factorial(k - used) for mask, m in sets[k - used].items()})
        for used, ways in placed.items()
        if used <= k
    )


def _subsets(polynomials: list[Polynomial], plain: int, k: int) -> list[Polynomial]:
    """For each j up to k the sum over j-subsets of the products: elementary symmetric."""
    by_size: list[Polynomial] = [_sum([{0: math.comb(plain, j)}]) for j in range(k + 1)]
    for polynomial in polynomials:
        for j in range(k, 0, -1):
            by_size[j] = _sum([by_size[j], _product(by_size[j - 1], polynomial)])
    return by_size


def _placements(slots: list[dict[int, Polynomial]], others: list[int]) -> dict[int, Polynomial]:
    """The ways to put some of `others` into slots of their own, by how many were put."""
    states: dict[int, Polynomial] = {0: _ONE}  # a mask over `others` that are used
    for slot in slots:
        following = dict(states)  # the slot stays free for a candidate that is alike everywhere
        for used, ways in states.items():
            for i, candidate in enumerate(others):
                if not used >> i & 1:
                    more = _product(ways, slot.get(candidate, _ONE))
                    key = used | 1 << i
                    following[key] = _sum([following.get(key, {}), more])
        states = following
    totals: dict[int, Polynomial] = {}
    for used, ways in states.items():
        number = used.bit_count()
        totals[number] = _sum([totals.get(number, {}), ways])
    return totals


def _of_sorted(
    arrangement: Arrangement, slots: list[dict[int, Polynomial]], touched: list[int]
) -> Polynomial:
    """Slots are filled in the order of the candidates, so slot j is the j-th that is filled."""
    k = arrangement.width
    filled: list[Polynomial] = [_ONE, *([{}] * k)]
    previous = -1
    for candidate in [*touched, arrangement.size]:
        if candidate > previous + 1:
            filled = _fill_plain(filled, candidate - previous - 1, arrangement.distinct)
        if candidate < arrangement.size:
            filled = _fill_one(
                filled, [s.get(candidate, _ONE) for s in slots], arrangement.distinct
            )
        previous = candidate
    return filled[k]


def _fill_plain(filled: list[Polynomial], plain: int, distinct: bool) -> list[Polynomial]:
    """Fills slots with any of `plain` candidates that have no decisions below them."""

    def ways(number: int) -> int:
        if number == 0:
            return 1
        return math.comb(plain, number) if distinct else math.comb(plain + number - 1, number)

    return [
        _sum({mask: n * ways(j - i) for mask, n in filled[i].items()} for i in range(j + 1))
        for j in range(len(filled))
    ]


def _fill_one(
    filled: list[Polynomial], in_slot: list[Polynomial], distinct: bool
) -> list[Polynomial]:
    """Fills slots with one candidate: at most one of them, or as many as wanted."""
    result = [filled[0]]
    for j in range(1, len(filled)):
        before = filled[j - 1] if distinct else result[j - 1]
        result.append(_sum([filled[j], _product(before, in_slot[j - 1])]))
    return result
