"""`clone`: an independent copy of a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_glove.errors import PathError
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.patterns import entries
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.traversal import (
    SCALARS,
    children,
    linked,
    nodes,
    with_children,
    within_reach,
)

__all__ = ["clone", "clone_into"]


def clone(value: Any, *, share: str | Callable[[Any], Any] | None = None) -> Any:
    """A copy that shares no node and no container with the original.

    A node that stands in two places of the original is one node in the copy, too.
    Leaves (arrays, functions, live objects) are the same objects.

    Args:
      value: the program.
      share: a pattern for paths, as in `query`, or a predicate on programs: what it holds for
        is not copied, but stands in the copy itself, so that a change to one is a change to both.

    Raises:
      PathError: `share` is a pattern that matches nothing.

    >>> from keras_glove.symbolic import program
    >>> inner = program(int, "3")
    >>> a, b = clone([inner, inner])
    >>> a is b, a is inner, a == inner
    (True, False, True)
    >>> c, d = clone([inner, program(int, "4")], share="[0]")
    >>> c is inner, d
    (True, int('4'))
    """
    done: dict[int, Any] = {}
    if share is not None:
        done = {id(node): node for node in _shared(value, share)}
    return clone_into(value, done)


def clone_into(value: Any, done: dict[int, Any]) -> Any:
    """A copy in which `done` stands for nodes, by their ids; it gets those that are copied."""
    return within_reach(lambda inner: _clone(inner, done), value)


def _shared(value: Any, share: str | Callable[[Any], Any]) -> list[Node]:
    if not isinstance(share, str):
        return [v for _, v in linked(value) if isinstance(v, Node) and share(v)]
    found = [v for _, v in entries(value, share)]
    if not found:
        raise PathError(f"Expected a pattern that matches something in it, received {share!r}.")
    return [node for _, node in nodes(found)]


def _clone(value: Any, done: dict[int, Any]) -> Any:
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


def _clone_other(value: Any, done: dict[int, Any]) -> Any:
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
