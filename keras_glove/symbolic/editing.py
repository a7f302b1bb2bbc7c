"""`Edit`: changes to a program that are made together, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_glove.errors import PathError
from keras_glove.symbolic.node import MISSING, Node
from keras_glove.symbolic.path import Key, Path, format_path
from keras_glove.symbolic.program import (
    Program,
    check_argument,
    put_argument,
    replace_arguments,
)
from keras_glove.symbolic.recording import normalize
from keras_glove.symbolic.traversal import SCALARS, children, nodes, with_children

__all__ = ["Edit", "child_at"]


def child_at(value: Any, key: Key, path: Path) -> Any:
    """What stands in `value` under `key`; `path` is the whole path, for the message."""
    kind = type(value)
    if kind is Program:
        return _argument(value, str(key), path)
    if kind is list or kind is tuple:
        if type(key) is int and -len(value) <= key < len(value):
            return value[key]
    elif kind is dict and key in value:
        return value[key]
    below = children(value)
    found = dict(below) if below is not None else {}
    if key in found:
        return found[key]
    raise PathError(
        f"at `{format_path(path)}`: expected one of {list(found)}, received {key!r}."
        if found
        else f"at `{format_path(path)}`: {value!r} is a leaf and has nothing inside."
    )


def _argument(program: Program, name: str, path: Path) -> Any:
    try:
        return program.__arguments__[name]
    except KeyError:
        pass
    try:
        return getattr(program, name)
    except AttributeError as error:
        raise PathError(f"at `{format_path(path)}`: {error}") from None


class Edit:
    """Changes to one program, in place where a `Program` holds the place, else in a copy.

    A hyper-value is immutable: a change inside it puts another in its place, wherever it
    stands in the program, so that it stays one decision.
    """

    def __init__(self, root: Any) -> None:
        self.root = root
        self._before: dict[int, tuple[Program, dict[str, Any]]] = {}

    def undo(self) -> None:
        """Takes back every change that was made in place."""
        for program, arguments in self._before.values():
            replace_arguments(program, arguments)

    def put(self, path: Path, new: Any, *, grow: bool = False) -> None:
        """Puts a value, or `MISSING` for none, to a path. With `grow`, a list may get longer."""
        above = self._above(path)
        value = new
        for depth in range(len(path) - 1, -1, -1):
            holder, key = above[depth], path[depth]
            if type(holder) is Program:
                self._set(holder, str(key), value, new)
                return
            value = _with_child(holder, key, value, path[: depth + 1], grow)
            if isinstance(holder, Node):
                self._replace({id(holder): value})
                return
        self.root = value

    def change(self, function: Callable[[Any], Any]) -> None:
        """Puts what a function makes of it in the place of every value, children first."""
        done: dict[int, Any] = {}
        order = nodes(self.root)
        for _, node in order:
            if type(node) is Program:
                self._save(node)
        for _, node in order:
            done[id(node)] = normalize(function(self._with_parts(node, done, function)))
        self.root = _swapped(self.root, done, function)
        nodes(self.root)  # raises where the program now holds itself

    def _above(self, path: Path) -> list[Any]:
        """The values on the way to a path, the root first."""
        above = [self.root]
        for depth, key in enumerate(path[:-1]):
            above.append(child_at(above[-1], key, path[: depth + 1]))
        return above

    def _set(self, program: Program, name: str, value: Any, new: Any) -> None:
        self._save(program)
        if type(value) in SCALARS and name in program.__arguments__:
            program.__arguments__[name] = value  # nothing to check: the most frequent change
            return
        if value is MISSING:
            replace_arguments(
                program, {n: v for n, v in program.__arguments__.items() if n != name}
            )
            return
        check_argument(program, name, new)
        put_argument(program, name, value)

    def _save(self, program: Program) -> None:
        self._before.setdefault(id(program), (program, dict(program.__arguments__)))

    def _replace(self, done: dict[int, Any]) -> None:
        """Puts other values in the place of nodes, by their ids, wherever they stand."""
        for _, node in nodes(self.root):
            if id(node) not in done:
                changed = self._with_parts(node, done, None)
                if changed is not node:
                    done[id(node)] = changed
        self.root = _swapped(self.root, done, None)
        nodes(self.root)

    def _with_parts(self, node: Node, done: dict[int, Any], function: Any) -> Node:
        """A program with its parts changed in place; another node with them, where they differ."""
        below = node.__children__()
        parts = {name: _swapped(child, done, function) for name, child in below.items()}
        if all(part is below[name] for name, part in parts.items()):
            return node
        if type(node) is not Program:
            return node.__rebuild__(parts)
        self._save(node)
        replace_arguments(node, parts)
        return node


def _swapped(value: Any, done: dict[int, Any], function: Callable[[Any], Any] | None) -> Any:
    """A value with its nodes changed as `done` says, and the rest of it by the function."""
    if isinstance(value, Node):
        return done.get(id(value), value)
    below = children(value)
    if below:
        parts = [_swapped(child, done, function) for _, child in below]
        if any(part is not child for part, (_, child) in zip(parts, below, strict=True)):
            value = with_children(value, parts)
    return value if function is None else normalize(function(value))


def _with_child(holder: Any, key: Key, value: Any, path: Path, grow: bool) -> Any:
    """A copy of a container or hyper-value with another value under `key`, or without it."""
    if type(holder) is dict:
        copy = {**holder, key: value}
        if value is MISSING:
            child_at(holder, key, path)
            del copy[key]
        return copy
    if type(holder) is list:
        if grow and key == len(holder):
            return [*holder, value]
        if value is MISSING:
            child_at(holder, key, path)
            return [child for place, child in enumerate(holder) if place != key % len(holder)]
    child_at(holder, key, path)
    if value is MISSING:
        raise PathError(
            f"at `{format_path(path)}`: expected an argument, or an item of a list or dict, to "
            f"remove; received an item of a {type(holder).__name__}, which has a fixed size."
        )
    below = children(holder) or []
    wanted = key % len(below) if type(key) is int else key
    return with_children(holder, [value if name == wanted else child for name, child in below])
