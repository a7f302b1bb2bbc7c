"""The one place that knows how programs are walked: every operation uses it.

Lists, tuples and dicts are looked into, and so are nodes and whatever optree
has been told about (named tuples, ordered dicts, user containers). All else is a
leaf. optree is asked one level at a time, since programs are graphs: a node that
stands in two places is visited once and stays one node in every result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import optree

from keras_glove.symbolic.node import NAMESPACE, Node, OpenValue
from keras_glove.symbolic.path import Key, Path

__all__ = ["children", "contains", "is_leaf", "is_open", "transform", "walk", "with_children"]

SCALARS = frozenset({type(None), bool, int, float, complex, str, bytes})
"""Types that are leaves without a further look."""


def is_leaf(value: Any) -> bool:
    """Whether a value has no inside that operations could reach."""
    kind = type(value)
    if kind in SCALARS:
        return True
    if kind is list or kind is dict or kind is tuple or isinstance(value, Node):
        return False
    return bool(optree.tree_is_leaf(value, none_is_leaf=True, namespace=NAMESPACE))


def children(value: Any) -> list[tuple[Key, Any]] | None:
    """The (key, child) pairs of one level; None for a leaf."""
    kind = type(value)
    if kind in SCALARS:
        return None
    if kind is list or kind is tuple:
        return list(enumerate(value))
    if kind is dict:
        return list(value.items())
    if isinstance(value, Node):
        return list(value.__children__().items())
    if is_leaf(value):
        return None
    values, _, entries, _ = optree.tree_flatten_one_level(
        value, none_is_leaf=True, namespace=NAMESPACE
    )
    return list(zip(entries, values, strict=True))


def with_children(value: Any, new: Sequence[Any]) -> Any:
    """A container or node of the same kind with other children, in the same order."""
    kind = type(value)
    if kind is list:
        return list(new)
    if kind is tuple:
        return tuple(new)
    if kind is dict:
        return dict(zip(value, new, strict=True))
    if isinstance(value, Node):
        return value.__rebuild__(dict(zip(value.__children__(), new, strict=True)))
    _, metadata, _, unflatten = optree.tree_flatten_one_level(
        value, none_is_leaf=True, namespace=NAMESPACE
    )
    return unflatten(metadata, list(new))


def walk(root: Any) -> Iterator[tuple[Path, Any]]:
    """Every value of a program with its path, parents first, a shared node once.

    >>> [path for path, _ in walk({"a": [1, 2]})]
    [(), ('a',), ('a', 0), ('a', 1)]
    """
    seen: set[int] = set()
    stack: list[tuple[Path, Any]] = [((), root)]
    while stack:
        path, value = stack.pop()
        kind = type(value)
        if kind in SCALARS:
            yield path, value
            continue
        if isinstance(value, Node):
            if id(value) in seen:
                continue
            seen.add(id(value))
        yield path, value
        below = children(value)
        if below:
            below.reverse()
            stack.extend([((*path, key), child) for key, child in below])


def contains(root: Any, predicate: Callable[[Any], bool]) -> bool:
    """Whether the predicate holds for any value of a program."""
    if type(root) in SCALARS:
        return predicate(root)
    return any(predicate(value) for _, value in walk(root))


def _is_open_value(value: Any) -> bool:
    return isinstance(value, OpenValue)


def is_open(root: Any) -> bool:
    """Whether a value holds a hyper-value anywhere inside.

    >>> is_open([1, {"a": 2}])
    False
    """
    if type(root) in SCALARS:
        return False
    return contains(root, _is_open_value)


def transform(root: Any, change: Callable[[Any], Any]) -> Any:
    """A copy in which `change` was applied to every value, children first.

    `change` gets each leaf, and each container or node after its children were
    changed, and returns what stands in its place. A shared node stays shared.
    """
    done: dict[int, tuple[Node, Any]] = {}  # holds the node, so that its id stays taken

    def visit(value: Any) -> Any:
        node = isinstance(value, Node)
        if node and id(value) in done:
            return done[id(value)][1]
        below = children(value)
        result = value
        if below is not None:
            result = with_children(value, [visit(child) for _, child in below])
        result = change(result)
        if node:
            done[id(value)] = (value, result)
        return result

    return visit(root)
