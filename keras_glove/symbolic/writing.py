"""How `to_json` writes values; the form is told in `serialization`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeVar

from keras_glove.errors import NotRegisteredError, SerializationError
from keras_glove.symbolic import registry
from keras_glove.symbolic.leaves import at, leaf_to_json
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.origin import Origin
from keras_glove.symbolic.path import Key
from keras_glove.symbolic.program import Program
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
        return {"value": _Writer(origin).write(value)}
    except _TooDeepError:
        pass
    writer = _Writer(origin)
    apart = [writer.write_apart(node) for node in _to_cut(value)]
    try:
        return {"nodes": apart, "value": writer.write(value)}
    except _TooDeepError as error:
        raise SerializationError(str(error)) from None


class _TooDeepError(Exception):
    """More levels of nesting than a document may have."""

    def __init__(self, path: list[Key]) -> None:
        super().__init__(
            f"{at(path[:3])}...: expected at most {MAX_DEPTH} levels of nesting, received more."
        )


def _is_finite(value: Any) -> bool:
    return type(value) is float and math.isfinite(value)


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
    """Keeps the path of the value at hand, for messages and for the limit on depth."""

    def __init__(self, origin: bool) -> None:
        self._origin = origin
        self._path: list[Key] = []
        self._heads: dict[int, dict[str, Any]] = {}  # nodes that were written, by their ids
        self._shared = 0

    def write(self, value: Any) -> Any:
        kind = type(value)
        if kind is list:
            return self._write_items(value)
        if kind is dict:
            return self._write_dict(value)
        if kind is tuple:
            return {"$type": "tuple", "items": self._write_items(value)}
        if not isinstance(value, Node):
            return leaf_to_json(value, self._path)
        if id(value) in self._heads:
            return self._again(value)
        return self._write_program(value) if type(value) is Program else self._write_node(value)

    def write_apart(self, node: Node) -> dict[str, Any]:
        """Writes a node that others refer to by its number."""
        self.write(node)
        self._again(node)
        return self._heads[id(node)]

    def _inside(self, key: Key, value: Any) -> Any:
        path = self._path
        path.append(key)
        if len(path) > MAX_DEPTH:
            raise _TooDeepError(path)
        written = self.write(value)
        path.pop()
        return written

    def _write_items(self, items: Iterable[Any]) -> list[Any]:
        return [
            child if type(child) in PLAIN or _is_finite(child) else self._inside(place, child)
            for place, child in enumerate(items)
        ]

    def _write_named(self, items: dict[str, Any]) -> dict[str, Any]:
        return {
            name: child if type(child) in PLAIN or _is_finite(child) else self._inside(name, child)
            for name, child in items.items()
        }

    def _write_dict(self, value: dict[Any, Any]) -> dict[str, Any]:
        for key in value:
            if type(key) is not str or key[:1] == "$":
                break
        else:
            return self._write_named(value)
        pairs = []
        for key, child in value.items():
            pairs.append([self.write(key), self._inside(str(key), child)])
        return {"$type": "dict", "items": pairs}

    def _write_program(self, program: Program) -> dict[str, Any]:
        try:
            target = registry.name_of(program.__target__)
        except NotRegisteredError as error:
            raise NotRegisteredError(f"{at(self._path)}: {error}") from None
        arguments = self._write_named(program.__arguments__)
        head: dict[str, Any] = {"$type": "program", "target": target, "arguments": arguments}
        if self._origin and program.__origin__ is not None:
            head["origin"] = self._write_origin(program.__origin__)
        self._heads[id(program)] = head
        return head

    def _write_node(self, node: Node) -> dict[str, Any]:
        kind = type(node).__name__
        if NODE_KINDS.get(kind) is not type(node):
            raise SerializationError(
                f"{at(self._path)}: expected a node of a registered kind, received a {kind}."
            )
        written = self._write_named(node.__fields__())
        head = self._heads[id(node)] = {"$type": "node", "kind": kind, "fields": written}
        return head

    def _again(self, node: Node) -> dict[str, Any]:
        """A reference to a node that was written before, which gets a number."""
        head = self._heads[id(node)]
        if "id" not in head:
            head["id"] = self._shared
            self._shared += 1
        return {"$type": "shared", "id": head["id"]}

    def _write_origin(self, origin: Origin) -> list[Any]:
        written = []
        for step in origin.steps():
            data = {"operation": step.operation, "detail": self._inside("origin", step.detail)}
            written.append(data if step.source is None else {**data, "source": step.source})
        return written
