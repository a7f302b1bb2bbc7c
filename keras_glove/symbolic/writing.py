"""How `to_json` writes values; the form is told in `serialization`."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from keras_glove.errors import NotRegisteredError, SerializationError
from keras_glove.symbolic import registry
from keras_glove.symbolic.leaves import at, leaf_to_json
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.origin import Origin
from keras_glove.symbolic.path import Key
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.traversal import children, nodes

__all__ = ["MAX_DEPTH", "NODE_KINDS", "PLAIN", "register_node_kind", "write"]

MAX_DEPTH = 100
"""Deepest nesting that is read or written."""
CUT = 50
"""Height at which a node of a program that is deeper is written apart."""

PLAIN = frozenset({type(None), bool, int, str})
"""Types that are their own JSON form."""

N = TypeVar("N", bound=Node)
NODE_KINDS: dict[str, type[Node]] = {}


def register_node_kind(cls: type[N]) -> type[N]:
    """Class decorator: nodes of this class are saved by its name and fields."""
    NODE_KINDS[cls.__name__] = cls
    return cls


def write(value: Any, *, origin: bool) -> dict[str, Any]:
    """The parts of a document that tell a value."""
    try:
        return {"value": _Writer(origin).write(value, 0)}
    except _TooDeepError:
        return _write_flat(value, origin)
    except SerializationError:
        return {"value": _LocatingWriter(origin).write(value, 0)}  # raises it with the path


def _write_flat(value: Any, origin: bool) -> dict[str, Any]:
    writer = _LocatingWriter(origin)
    apart = [writer.write_apart(node) for node in _to_cut(value)]
    try:
        return {"nodes": apart, "value": writer.write(value, 0)}
    except _TooDeepError:
        raise SerializationError(
            f"{at(writer.path[:3])}...: expected at most {MAX_DEPTH} levels of nesting, received "
            "more."
        ) from None


class _TooDeepError(Exception):
    """More levels of nesting than a document may have."""


def _to_cut(root: Any) -> list[Node]:
    """Nodes, inner ones first, between which no more than `CUT` levels of nodes are left."""
    heights: dict[int, int] = {}
    cut = []
    for _, node in nodes(root):
        height = 1 + max((_height(v, heights) for v in node.__fields__().values()), default=0)
        if height >= CUT:
            cut.append(node)
            height = 0
        heights[id(node)] = height
    return cut


def _height(value: Any, heights: dict[int, int], depth: int = 0) -> int:
    if isinstance(value, Node):
        return heights[id(value)]
    below = children(value)
    if not below or depth > MAX_DEPTH:
        return 0
    return 1 + max(_height(child, heights, depth + 1) for _, child in below)


class _Writer:
    """Writes values without a thought of where they stand."""

    def __init__(self, origin: bool) -> None:
        self.path: list[Key] = []  # of the value at hand; kept by `_LocatingWriter`
        self._origin = origin
        self._heads: dict[int, dict[str, Any]] = {}  # nodes that were written, by their ids
        self._targets: dict[Any, tuple[str, bool]] = {}
        self._shared = 0

    def write(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if depth > MAX_DEPTH:
            raise _TooDeepError
        if kind is list:
            return self._write_items(value, depth + 1)
        if kind is dict:
            return self._write_dict(value, depth + 1)
        if kind is tuple:
            return {"$tuple": self._write_items(value, depth + 1)}
        if not isinstance(value, Node):
            return leaf_to_json(value, self.path)
        if id(value) in self._heads:
            return self._again(value)
        if isinstance(value, Program):
            return self._write_program(value, depth + 1)
        return self._write_node(value, depth + 1)

    def write_apart(self, node: Node) -> dict[str, Any]:
        """Writes a node that others refer to by its number."""
        self.write(node, 0)
        self._again(node)
        return self._heads[id(node)]

    def _write_items(self, items: Any, depth: int) -> list[Any]:
        return [
            child
            if type(child) in PLAIN or (type(child) is float and math.isfinite(child))
            else self.write(child, depth)
            for child in items
        ]

    def _write_named(
        self, head: dict[str, Any], items: dict[str, Any], depth: int
    ) -> dict[str, Any]:
        for name, child in items.items():
            kind = type(child)
            plain = kind in PLAIN or (kind is float and math.isfinite(child))
            head[name] = child if plain else self.write(child, depth)
        return head

    def _write_dict(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        for key in value:
            if type(key) is not str or key[:1] == "$":
                return {"$dict": self._write_pairs(value, depth)}
        return self._write_named({}, value, depth)

    def _write_pairs(self, value: dict[Any, Any], depth: int) -> list[list[Any]]:
        keys = self._write_items(value, depth)
        values = self._write_named({}, value, depth).values()
        return [list(pair) for pair in zip(keys, values, strict=True)]

    def _write_program(self, program: Program, depth: int) -> dict[str, Any]:
        target, given = program.__target__, program.__arguments__
        name, any_names = self._targets.get(target) or self._named(target)
        head: dict[str, Any] = {"$program": name}
        if any_names and any(argument[:1] == "$" for argument in given):
            head["$arguments"] = self._write_pairs(given, depth)
        else:
            self._write_named(head, given, depth)
        if self._origin and program.__origin__ is not None:
            self._write_named(head, {"$origin": _steps_of(program.__origin__)}, depth)
        self._heads[id(program)] = head
        return head

    def _named(self, target: Any) -> tuple[str, bool]:
        """The name of a class or function, and whether it takes arguments of any name."""
        try:
            name = registry.name_of(target)
        except NotRegisteredError as error:
            raise NotRegisteredError(f"{at(self.path)}: {error}") from None
        found = self._targets[target] = name, signature_of(target).open_keywords
        return found

    def _write_node(self, node: Node, depth: int) -> dict[str, Any]:
        kind = type(node).__name__
        if NODE_KINDS.get(kind) is not type(node):
            raise SerializationError(
                f"{at(self.path)}: expected a node of a registered kind, received a {kind}."
            )
        head = self._write_named({"$node": kind}, node.__fields__(), depth)
        self._heads[id(node)] = head
        return head

    def _again(self, node: Node) -> dict[str, Any]:
        """A reference to a node that was written before, which gets a number."""
        head = self._heads[id(node)]
        if "$id" not in head:
            head["$id"] = self._shared
            self._shared += 1
        return {"$shared": head["$id"]}


def _steps_of(origin: Origin) -> list[dict[str, Any]]:
    return [
        {"operation": step.operation, "detail": step.detail}
        | ({} if step.source is None else {"source": step.source})
        for step in origin.steps()
    ]


class _LocatingWriter(_Writer):
    """Keeps the path of the value at hand, for messages."""

    def _write_items(self, items: Any, depth: int) -> list[Any]:
        return [self._inside(place, child, depth) for place, child in enumerate(items)]

    def _write_named(
        self, head: dict[str, Any], items: dict[str, Any], depth: int
    ) -> dict[str, Any]:
        for name, child in items.items():
            head[name] = self._inside(name, child, depth)
        return head

    def _inside(self, key: Key, value: Any, depth: int) -> Any:
        self.path.append(key)
        written = self.write(value, depth)
        self.path.pop()
        return written
