"""The one place that knows how programs are walked: every operation uses it.

Lists, tuples and dicts are looked into, and so are nodes and whatever optree
has been told about (named tuples, ordered dicts, user containers). All else is a
leaf. optree is asked one level at a time, since programs are graphs: a node that
stands in two places is visited once and stays one node in every result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import optree

from keras_glove.errors import ArgumentError
from keras_glove.symbolic.node import NAMESPACE, Node, OpenValue
from keras_glove.symbolic.path import Key, Link, Path, format_path, path_of

__all__ = [
    "children",
    "contains",
    "is_leaf",
    "is_open",
    "items_below",
    "linked",
    "nodes",
    "transform",
    "walk",
    "with_children",
    "within_reach",
]

T = TypeVar("T")

SCALARS = frozenset({type(None), bool, int, float, complex, str, bytes})
"""Types that are leaves without a further look."""

PLAIN: dict[type, Callable[[Any], Iterable[tuple[Any, Any]]]] = {
    list: enumerate,
    tuple: enumerate,
    dict: dict.items,
}
"""How the items of the usual containers are listed."""


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


def items_below(value: Any) -> Iterator[tuple[Key, Any]] | None:
    """An iterator over what `children` lists; None for a leaf. For loops that must be fast."""
    items = PLAIN.get(type(value))
    if items is not None:
        return iter(items(value))
    if isinstance(value, Node):
        return iter(value.__children__().items())
    below = children(value)
    return None if below is None else iter(below)


def walk(root: Any) -> Iterator[tuple[Path, Any]]:
    """Every value of a program with its path, parents first, a shared node once.

    >>> [path for path, _ in walk({"a": [1, 2]})]
    [(), ('a',), ('a', 0), ('a', 1)]
    """
    return _walked(root, (), lambda above, key: (*above, key))


def linked(root: Any) -> Iterator[tuple[Link, Any]]:
    """The same with links instead of paths, where few of these are needed."""
    return _walked(root, None, lambda above, key: (above, key))


def _walked(root: Any, start: T, step: Callable[[T, Key], T]) -> Iterator[tuple[T, Any]]:
    yield start, root
    seen = {id(root)}
    stack = [(start, items_below(root) or iter(()))]
    while stack:
        above, below = stack[-1]
        for key, child in below:
            if type(child) in SCALARS:
                yield step(above, key), child
                continue
            if isinstance(child, Node):
                if id(child) in seen:
                    continue
                seen.add(id(child))
            here = step(above, key)
            yield here, child
            inside = items_below(child)
            if inside is not None:
                stack.append((here, inside))
                break
        else:
            stack.pop()


def nodes(root: Any) -> list[tuple[Link, Node]]:
    """Every node of a program once, each after those inside it, with the link of its first place.

    However deep a program is, operations that remember what they made of each node need
    no deep recursion when they take nodes in this order.

    Raises `ArgumentError` for a program that holds itself.

    >>> from keras_glove.symbolic import program
    >>> [path_of(link) for link, _ in nodes([program(dict, a=program(int, "3"))])]
    [(0, 'a'), (0,)]
    """
    order: list[tuple[Link, Node]] = []
    done: dict[int, bool] = {}
    # The root is below nothing, by a key that no path has.
    stack: list[tuple[Link, Any, Iterator[tuple[Any, Any]]]] = [(None, None, iter([("", root)]))]
    while stack:
        link, value, below = stack[-1]
        for key, child in below:
            if type(child) in SCALARS:
                continue
            here = (link, key) if len(stack) > 1 else None
            if isinstance(child, Node):
                if done.get(id(child)) is False:
                    raise _cycle(path_of(here))
                if done.setdefault(id(child), False):
                    continue
            inside = items_below(child)
            if inside is not None:
                stack.append((here, child, inside))
                break
        else:
            stack.pop()
            if isinstance(value, Node):
                done[id(value)] = True
                order.append((link, value))
    return order


def _cycle(path: Path) -> ArgumentError:
    return ArgumentError(
        f"at `{format_path(path)}`: expected programs that do not hold themselves, received one "
        "that holds the program it stands in. Put a `kg.clone` of it there."
    )


def within_reach(visit: Callable[[Any], T], root: Any) -> T:
    """`visit(root)`; where the program is too deep for that, after a visit to each node inside.

    `visit` must remember what it made of nodes.
    """
    try:
        return visit(root)
    except RecursionError:
        for _, node in nodes(root):
            visit(node)
        return visit(root)


def contains(root: Any, predicate: Callable[[Any], bool]) -> bool:
    """Whether the predicate holds for any value of a program."""
    if type(root) in SCALARS:
        return predicate(root)
    return any(predicate(value) for _, value in linked(root))


def is_open(root: Any) -> bool:
    """Whether a value holds a hyper-value anywhere inside.

    >>> is_open([1, {"a": 2}])
    False
    """
    if type(root) in SCALARS:
        return False
    seen: set[int] = set()
    stack = [root]
    while stack:  # no paths, and no look at scalars: searches ask this of every child
        value = stack.pop()
        if isinstance(value, OpenValue):
            return True
        if isinstance(value, Node):
            if id(value) in seen:
                continue
            seen.add(id(value))
        below = items_below(value)
        if below is not None:
            stack += [child for _, child in below if type(child) not in SCALARS]
    return False


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

    for _, node in nodes(root):
        visit(node)
    return visit(root)
