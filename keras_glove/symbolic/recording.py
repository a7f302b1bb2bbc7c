"""Live objects and the programs that describe them, kept beside each other.

Nothing is put on the live object: saving walks the attributes of a Keras object, and
would find it. The table holds live objects weakly.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from keras_glove.symbolic.node import Node
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.traversal import SCALARS, children, with_children

__all__ = ["add_describer", "describe", "forget", "normalize", "recall", "remember"]

_RECORDS: dict[int, tuple[weakref.ref[Any], Program]] = {}
_DESCRIBERS: dict[type, Callable[[Any], Program | None]] = {}


def remember(live: Any, program: Program) -> None:
    """Notes which program made a live object; objects without weak references are passed over."""
    key = id(live)
    try:
        reference = weakref.ref(live, lambda _: _RECORDS.pop(key, None))
    except TypeError:
        return
    _RECORDS[key] = (reference, program)


def recall(live: Any) -> Program | None:
    """The program that a live object was made by, if that is known."""
    record = _RECORDS.get(id(live))
    return record[1] if record is not None and record[0]() is live else None


def forget(live: Any) -> None:
    """Drops what is known of a live object."""
    _RECORDS.pop(id(live), None)


def add_describer(kind: type, describer: Callable[[Any], Program | None]) -> None:
    """Says how instances of `kind` that no program made are described.

    The describer returns None for an instance that it leaves as it is.
    """
    _DESCRIBERS[kind] = describer


def describe(live: Any) -> Any:
    """The program of a live object, or the object itself where it has none.

    The same object gives the same program, so one that stands in two places of a
    space is one node there.
    """
    if isinstance(live, Node):
        return live
    program = recall(live)
    if program is not None:
        return program
    for kind in type(live).__mro__:
        describer = _DESCRIBERS.get(kind)
        if describer is not None:
            program = describer(live)
            break
    if program is None:
        return live
    remember(live, program)
    return program


def normalize(value: Any) -> Any:
    """An argument as programs hold it: own containers, live objects as their programs."""
    if type(value) in SCALARS or isinstance(value, Node):
        return value
    below = children(value)
    if below is None:
        return describe(value)
    return with_children(value, [normalize(child) for _, child in below])
