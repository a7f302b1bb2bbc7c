"""One run of a function under a tracer: what it asks for, and what it is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from types import FrameType
from typing import Any

from keras_glove.errors import SpaceError
from keras_glove.hyper.dna import DNA
from keras_glove.hyper.domains import Domain, domain_of
from keras_glove.hyper.groups import Arrangement
from keras_glove.hyper.naming import points_of
from keras_glove.hyper.tracing.call_sites import CallSites, Place
from keras_glove.hyper.values import TRACER, FloatV, HyperValue, IntV, ManyOf
from keras_glove.symbolic import Program
from keras_glove.symbolic.registry import lasting_name
from keras_glove.symbolic.traversal import SCALARS, children

__all__ = ["Answer", "Decision", "Key", "Run"]

Answer = tuple[Any, ...]
"""The values of the decision points of one decision: k for a `manyof`, else one."""

Key = tuple[str | Place, Any]
"""What decisions are told apart by: a given name or else the place, and what can be chosen."""

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
        self.all_tried = not isinstance(value, (IntV, FloatV)) or self.size <= _FEW

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
        return isinstance(self.value, FloatV)

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


class Run:
    """A tracer that answers as it is told, and notes what is asked.

    Args:
      answer: a function of the key, the hyper-value and the answers so far.
    """

    def __init__(self, answer: Callable[[Key, HyperValue, dict[Key, Answer]], Answer]) -> None:
        self._answer = answer
        self._sites: CallSites | None = None
        self._named: dict[str, tuple[Key, HyperValue]] = {}
        self.answers: dict[Key, Answer] = {}

    def call(self, function: Callable[[], Any]) -> Any:
        """What the function returns."""
        import sys

        root: FrameType = sys._getframe()
        self._sites = CallSites(root)
        token = TRACER.set(self)
        try:
            return function()
        finally:
            TRACER.reset(token)
            self._sites = None  # lets go of the frames

    def decide(self, value: HyperValue) -> Any:
        """The concrete value to go on with."""
        key = self._key(value)
        answer = self.answers.get(key)
        if answer is None:
            answer = self._answer(key, value, self.answers)
            self.answers[key] = answer
        return _chosen(value, answer)

    def _key(self, value: HyperValue) -> Key:
        form = definition(value)
        if value.name is None:
            assert self._sites is not None
            return self._sites.place(type(value).__name__.lower()), form
        key, known = self._named.setdefault(value.name, ((value.name, form), value))
        if key[1] != form:
            raise two_kinds(value.name, known, value)
        return key


def two_kinds(name: str, known: HyperValue, value: HyperValue) -> SpaceError:
    """The error for a name that means two things."""
    return SpaceError(
        f"Expected one kind of hyper-value for the name {name!r}, received {known!r} and then "
        f"{value!r}. Rename one of them; only the same hyper-value can be asked for twice."
    )


def _chosen(value: HyperValue, answer: Answer) -> Any:
    if isinstance(value, ManyOf):
        return [value.candidates[index] for index in answer]
    return value.candidates[answer[0]] if hasattr(value, "candidates") else answer[0]


def definition(value: HyperValue) -> tuple[Any, ...]:
    """What can be chosen, as a hashable that is the same in every run."""
    fields = value.__fields__()
    candidates = fields.pop("candidates", ())
    rest = [(key, item) for key, item in fields.items() if key not in ("name", "hints")]
    return type(value).__name__, *rest, tuple([_token(candidate) for candidate in candidates])


def _token(value: Any) -> Any:
    kind = type(value)
    if kind in SCALARS:
        return kind.__name__, repr(value)
    if kind in (list, tuple, dict, Program):
        what = lasting_name(value.__target__) if kind is Program else kind.__name__
        return what, tuple([(key, _token(child)) for key, child in children(value) or ()])
    return lasting_name(value) if callable(value) and hasattr(value, "__qualname__") else kind
