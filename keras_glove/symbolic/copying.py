"""`clone`: an independent copy of a program."""

from __future__ import annotations

from typing import Any

from keras_glove.symbolic.node import Node
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.traversal import SCALARS, children, with_children

__all__ = ["clone"]


def clone(value: Any) -> Any:
    """A copy that shares no node and no container with the original.

    A node that stands in two places of the original is one node in the copy, too.
    Leaves (arrays, functions, live objects) are the same objects.

    >>> from keras_glove.symbolic import program
    >>> inner = program(int, "3")
    >>> a, b = clone([inner, inner])
    >>> a is b, a is inner, a == inner
    (True, False, True)
    """
    return _clone(value, {})


def _clone(value: Any, done: dict[int, Node]) -> Any:
    # Written out for the usual kinds: cloning is what every search does most.
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind is Program:
        copy = done.get(id(value))
        if copy is None:
            arguments = {
                name: child if type(child) in SCALARS else _clone(child, done)
                for name, child in value.__arguments__.items()
            }
            copy = done[id(value)] = Program(value.__target__, arguments, value.__origin__)
        return copy
    if kind is list:
        return [child if type(child) in SCALARS else _clone(child, done) for child in value]
    if kind is dict:
        return {key: _clone(child, done) for key, child in value.items()}
    if kind is tuple:
        return tuple([_clone(child, done) for child in value])
    return _clone_other(value, done)


def _clone_other(value: Any, done: dict[int, Node]) -> Any:
    node = isinstance(value, Node)
    if node and id(value) in done:
        return done[id(value)]
    below = children(value)
    if below is None:
        return value
    copy = with_children(value, [_clone(child, done) for _, child in below])
    if node:
        done[id(value)] = copy
    return copy
