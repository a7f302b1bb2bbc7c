"""Plans: a program compiled once, to be made for any DNA and to be matched with any program.

Each kind of value has a plan with two methods. `make` returns the value under given decisions,
never sharing anything mutable with the template. `match` compares a concrete value, and hands
what stands at a decision to the `Match`, which settles decisions in the order of their points.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable
from typing import Any

from keras_glove.hyper.matching import At, Match, shape_of
from keras_glove.hyper.naming import short
from keras_glove.symbolic import Node, Program, equal
from keras_glove.symbolic.traversal import children, with_children

__all__ = [
    "ContainerPlan",
    "DictPlan",
    "Leaf",
    "ListPlan",
    "Memo",
    "NodePlan",
    "Plan",
    "ProgramPlan",
]

_SHARING = (
    "nodes to be shared as they are in the space: one that stands in several places there is one "
    "object here, and any other is an object of its own"
)

Memo = dict[int, Any]
"""What was made of nodes that can be reached several times."""


class Plan(abc.ABC):
    """How one value of the template is made and matched."""

    __slots__ = ()

    @abc.abstractmethod
    def make(self, values: Any, memo: Memo) -> Any:
        """The value under the decisions `values`."""

    @abc.abstractmethod
    def match(self, value: Any, at: At, match: Match) -> bool:
        """Whether `value` can be this one, as far as it is told without the decisions inside."""

    @abc.abstractmethod
    def shapes(self) -> frozenset[Any] | None:
        """The `shape_of` all values that can match; None where they cannot be listed."""

    @abc.abstractmethod
    def describe(self) -> str:
        """What is expected here, for messages."""


class Leaf(Plan):
    """A value that is the same in every child."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def make(self, values: Any, memo: Memo) -> Any:
        return self.value

    def match(self, value: Any, at: At, match: Match) -> bool:
        if value is self.value or equal(self.value, value):
            return True
        return match.fails(self, value, at)

    def shapes(self) -> frozenset[Any] | None:
        return frozenset([shape_of(self.value)])

    def describe(self) -> str:
        return short(self.value)


class ListPlan(Plan):
    """A list or tuple."""

    __slots__ = ("kind", "parts")

    def __init__(self, kind: type, parts: Iterable[Plan]) -> None:
        self.kind = kind
        self.parts = tuple(parts)

    def make(self, values: Any, memo: Memo) -> Any:
        made = [part.make(values, memo) for part in self.parts]
        return made if self.kind is list else tuple(made)

    def match(self, value: Any, at: At, match: Match) -> bool:
        if type(value) is not self.kind:
            return match.fails(self, value, at)
        items: Any = value
        if len(items) != len(self.parts):
            return match.fails(self, value, at)
        return all(part.match(items[i], (at, i), match) for i, part in enumerate(self.parts))

    def shapes(self) -> frozenset[Any] | None:
        return frozenset([self.kind])

    def describe(self) -> str:
        return f"a {self.kind.__name__} of {len(self.parts)}"


class DictPlan(Plan):
    """A dict. Matched without regard to the order of keys."""

    __slots__ = ("parts",)

    def __init__(self, parts: Iterable[tuple[Any, Plan]]) -> None:
        self.parts = tuple(parts)

    def make(self, values: Any, memo: Memo) -> Any:
        return {key: part.make(values, memo) for key, part in self.parts}

    def match(self, value: Any, at: At, match: Match) -> bool:
        if type(value) is not dict or len(value) != len(self.parts):
            return match.fails(self, value, at)
        for key, part in self.parts:
            if key not in value:
                return match.fails(self, value, at)
            if not part.match(value[key], (at, key), match):
                return False
        return True

    def shapes(self) -> frozenset[Any] | None:
        return frozenset([dict])

    def describe(self) -> str:
        return f"a dict with the keys {[key for key, _ in self.parts]}"


class ContainerPlan(Plan):
    """A container of another kind that optree knows, such as a named tuple."""

    __slots__ = ("parts", "template")

    def __init__(self, template: Any, parts: Iterable[Plan]) -> None:
        self.template = template
        self.parts = tuple(parts)

    def make(self, values: Any, memo: Memo) -> Any:
        return with_children(self.template, [part.make(values, memo) for part in self.parts])

    def match(self, value: Any, at: At, match: Match) -> bool:
        keys = [key for key, _ in children(self.template) or ()]
        below = children(value) if type(value) is type(self.template) else None
        if below is None or [key for key, _ in below] != keys:
            return match.fails(self, value, at)
        return all(
            part.match(child, (at, key), match)
            for part, (key, child) in zip(self.parts, below, strict=True)
        )

    def shapes(self) -> frozenset[Any] | None:
        return frozenset([type(self.template)])

    def describe(self) -> str:
        return f"a {type(self.template).__name__}"


class NodePlan(Plan):
    """A node of another kind than `Program`, such as a hyper-value that stays open.

    `parts` are the children that are not leaves; `key` tells the node apart where it can be
    reached several times, and is -1 elsewhere.
    """

    __slots__ = ("key", "parts", "template")

    def __init__(self, template: Node, parts: Iterable[tuple[str, Plan]], key: int) -> None:
        self.template = template
        self.parts = tuple(parts)
        self.key = key

    def make(self, values: Any, memo: Memo) -> Any:
        if self.key < 0:
            return self._make(values, memo)
        made = memo.get(self.key)
        if made is None:
            made = memo[self.key] = self._make(values, memo)
        return made

    def _make(self, values: Any, memo: Memo) -> Any:
        made = dict(self.template.__children__())
        for name, part in self.parts:
            made[name] = part.make(values, memo)
        return self.template.__rebuild__(made)

    def match(self, value: Any, at: At, match: Match) -> bool:
        if not self._like(value):
            return match.fails(self, value, at)
        new = match.enter(self.key, value)
        if not new:
            return new is False or match.fails(self, value, at, _SHARING)
        below = value.__children__()
        return all(part.match(below[name], (at, name), match) for name, part in self.parts)

    def _like(self, value: Any) -> bool:
        """Whether the kind is the same, and all fields that have no plan are equal."""
        if type(value) is not type(self.template):
            return False
        mine, others = self.template.__fields__(), value.__fields__()
        planned = {name for name, _ in self.parts}
        return mine.keys() == others.keys() and all(
            name in planned or equal(mine[name], others[name]) for name in mine
        )

    def shapes(self) -> frozenset[Any] | None:
        return frozenset([type(self.template)])

    def describe(self) -> str:
        return short(self.template)


class ProgramPlan(NodePlan):
    """A program: the arguments that are leaves are kept ready, the others have plans."""

    __slots__ = ("leaves", "prepared")
    template: Program

    def __init__(self, template: Program, parts: Iterable[tuple[str, Plan]], key: int) -> None:
        super().__init__(template, parts, key)
        self.prepared = dict(template.__arguments__)  # holds a place for each part, in order
        planned = {name for name, _ in self.parts}
        self.leaves = tuple([i for i in self.prepared.items() if i[0] not in planned])

    def _make(self, values: Any, memo: Memo) -> Any:
        arguments = self.prepared.copy()
        for name, part in self.parts:
            arguments[name] = part.make(values, memo)
        return Program(self.template.__target__, arguments, self.template.__origin__)

    def match(self, value: Any, at: At, match: Match) -> bool:
        if type(value) is not Program or value.__target__ is not self.template.__target__:
            return match.fails(self, value, at)
        new = match.enter(self.key, value)
        if not new:
            return new is False or match.fails(self, value, at, _SHARING)
        arguments = value.__arguments__
        if arguments.keys() != self.prepared.keys():
            return match.fails(self, value, at)
        for name, leaf in self.leaves:
            other = arguments[name]
            if other is not leaf and not equal(leaf, other):
                return match.fails(Leaf(leaf), other, (at, name))
        return all(part.match(arguments[name], (at, name), match) for name, part in self.parts)

    def shapes(self) -> frozenset[Any] | None:
        return frozenset([shape_of(self.template)])

    def describe(self) -> str:
        return f"{short(self.template)} with the arguments {list(self.prepared)}"
