"""The plans of hyper-values: what a decision makes, and which decisions can have made a value."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

from keras_glove.hyper.custom import CustomValue
from keras_glove.hyper.dna import Text
from keras_glove.hyper.domains import Domain
from keras_glove.hyper.matching import At, Claim, Match, shape_of
from keras_glove.hyper.naming import short
from keras_glove.hyper.plans import Leaf, Memo, Plan

__all__ = ["Candidates", "ChoicePlan", "CustomPlan", "DecisionPlan", "NumberPlan", "SlotsPlan"]


class DecisionPlan(Plan):
    """The plan of a hyper-value whose first decision point is `start`."""

    __slots__ = ("start",)
    start: int

    @abc.abstractmethod
    def options(self, value: Any) -> Sequence[Any]:
        """The values of a point, ascending, that can have made `value` as far as one can see."""

    @abc.abstractmethod
    def below(self, point: int, option: Any) -> Plan | None:
        """The plan of what an option stands for; None where the option is the value itself."""

    def allowed(self, point: int, options: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        """Those options that the earlier decisions leave open."""
        return options

    def expected(self, point: int, claims: Sequence[Claim], values: Sequence[Any]) -> str:
        """What no option is found for."""
        if all(self.options(value) for value, _ in claims[1:]) and self.options(claims[0][0]):
            values_ = ", ".join(short(value) for value, _ in claims)
            if len(claims) > 1:
                return f"one decision for all its places, which hold {values_}"
        return self.describe()


class NumberPlan(DecisionPlan):
    """An `intv` or `floatv`."""

    __slots__ = ("domain",)

    def __init__(self, start: int, domain: Domain) -> None:
        self.start = start
        self.domain = domain

    def make(self, values: Any, memo: Memo) -> Any:
        return values[self.start]

    def match(self, value: Any, at: At, match: Match) -> bool:
        return match.claim(self.start, value, at)

    def options(self, value: Any) -> Sequence[Any]:
        return (value,) if self.domain.problem(value) is None else ()

    def below(self, point: int, option: Any) -> Plan | None:
        return None

    def shapes(self) -> frozenset[Any] | None:
        return None

    def describe(self) -> str:
        return self.domain.problem(None) or ""


class CustomPlan(DecisionPlan):
    """A `CustomValue`."""

    __slots__ = ("value",)

    def __init__(self, start: int, value: CustomValue) -> None:
        self.start = start
        self.value = value

    def make(self, values: Any, memo: Memo) -> Any:
        return self.value.decode(values[self.start].plain)

    def match(self, value: Any, at: At, match: Match) -> bool:
        return match.claim(self.start, value, at)

    def options(self, value: Any) -> Sequence[Any]:
        text = self.value.encode(value)
        return () if text is None or self.value.problem(text) is not None else (Text.of(text),)

    def below(self, point: int, option: Any) -> Plan | None:
        return None

    def shapes(self) -> frozenset[Any] | None:
        return None

    def describe(self) -> str:
        return f"what {short(self.value)} can be"


class Candidates:
    """The plans of candidates, and which of them a value can be, told by its shape."""

    __slots__ = ("by_shape", "loose", "plans")

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = tuple(plans)
        found: dict[Any, list[int]] = {}
        loose: list[int] = []
        for index, plan in enumerate(plans):
            shapes = plan.shapes()
            if shapes is None:
                loose.append(index)
            for shape in shapes or ():
                found.setdefault(shape, []).append(index)
        self.loose = tuple(loose)
        self.by_shape = {shape: tuple(sorted([*own, *loose])) for shape, own in found.items()}

    def options(self, value: Any) -> tuple[int, ...]:
        return self.by_shape.get(shape_of(value), self.loose)

    def shapes(self) -> frozenset[Any] | None:
        return None if self.loose else frozenset(self.by_shape)


class ChoicePlan(DecisionPlan):
    """A `oneof`."""

    __slots__ = ("candidates", "plans")

    def __init__(self, start: int, candidates: Candidates) -> None:
        self.start = start
        self.plans = candidates.plans
        self.candidates = candidates

    def make(self, values: Any, memo: Memo) -> Any:
        return self.plans[values[self.start]].make(values, memo)

    def match(self, value: Any, at: At, match: Match) -> bool:
        return match.claim(self.start, value, at)

    def options(self, value: Any) -> Sequence[Any]:
        return self.candidates.options(value)

    def below(self, point: int, option: Any) -> Plan | None:
        plan: Plan = self.plans[option]
        return plan

    def shapes(self) -> frozenset[Any] | None:
        return self.candidates.shapes()

    def describe(self) -> str:
        return _one_of(self.plans)


class SlotsPlan(DecisionPlan):
    """A `manyof`; `plans` holds for each slot the plans of its candidates."""

    __slots__ = ("candidates", "distinct", "plans", "sorted")

    def __init__(
        self, start: int, slots: Sequence[Candidates], distinct: bool, sorted: bool
    ) -> None:
        self.start = start
        self.plans = tuple([candidates.plans for candidates in slots])
        self.distinct = distinct
        self.sorted = sorted
        self.candidates = slots[0]

    def make(self, values: Any, memo: Memo) -> Any:
        start = self.start
        return [
            plans[values[start + slot]].make(values, memo) for slot, plans in enumerate(self.plans)
        ]

    def match(self, value: Any, at: At, match: Match) -> bool:
        if type(value) is not list or len(value) != len(self.plans):
            return match.fails(self, value, at, f"a list of {len(self.plans)} candidates")
        for slot, chosen in enumerate(value):
            match.claim(self.start + slot, chosen, (at, slot))
        return True

    def options(self, value: Any) -> Sequence[Any]:
        return self.candidates.options(value)

    def allowed(self, point: int, options: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        earlier = values[self.start : point]
        if self.distinct:
            options = [option for option in options if option not in earlier]
        if self.sorted and earlier:
            options = [option for option in options if option >= earlier[-1]]
        return options

    def below(self, point: int, option: Any) -> Plan | None:
        plan: Plan = self.plans[point - self.start][option]
        return plan

    def expected(self, point: int, claims: Sequence[Claim], values: Sequence[Any]) -> str:
        if self.distinct and point > self.start and self.options(claims[0][0]):
            order = " in the order of the candidates" if self.sorted else ""
            return f"candidates that differ from slot to slot{order}, of {self.describe()}"
        return super().expected(point, claims, values)

    def shapes(self) -> frozenset[Any] | None:
        return frozenset([list])

    def describe(self) -> str:
        return _one_of(self.plans[0])


def _one_of(plans: Sequence[Plan]) -> str:
    shown = [repr(p.value) if isinstance(p, Leaf) else p.describe() for p in plans[:10]]
    more = f" and {len(plans) - 10} more" if len(plans) > 10 else ""
    return f"one of {' | '.join(shown)}{more}"
