"""One run of a function under a tracer: what it asks for, and what it is answered."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from keras_glove.errors import SpaceError
from keras_glove.hyper.custom import CustomValue
from keras_glove.hyper.tracing.call_sites import CallSites
from keras_glove.hyper.tracing.decisions import Answer, Key
from keras_glove.hyper.values import TRACER, HyperValue, ManyOf
from keras_glove.symbolic import Node, Program
from keras_glove.symbolic.registry import lasting_name
from keras_glove.symbolic.traversal import SCALARS, children

__all__ = ["Run", "two_kinds"]


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
    if isinstance(value, CustomValue):
        return value.decode(answer[0].plain)
    return value.candidates[answer[0]] if hasattr(value, "candidates") else answer[0]


NOTES = ("name", "hints", "share")


def definition(value: HyperValue) -> tuple[Any, ...]:
    """What can be chosen, as a hashable that is the same in every run."""
    fields = value.__fields__()
    candidates = fields.pop("candidates", ())
    rest = [(key, _token(item)) for key, item in fields.items() if key not in NOTES]
    return type(value).__name__, *rest, tuple([_token(candidate) for candidate in candidates])


def _token(value: Any) -> Any:
    kind = type(value)
    if kind in SCALARS:
        return kind.__name__, repr(value)
    if kind in (list, tuple, dict) or isinstance(value, Node):
        what = lasting_name(value.__target__) if kind is Program else kind.__name__
        return what, tuple([(key, _token(child)) for key, child in children(value) or ()])
    return lasting_name(value) if callable(value) and hasattr(value, "__qualname__") else kind
