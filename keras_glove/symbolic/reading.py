"""How `from_json` reads values; the form is told in `serialization`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from keras_glove.errors import ArgumentError, NotRegisteredError, SerializationError
from keras_glove.symbolic import registry
from keras_glove.symbolic.leaves import LEAF_READERS, at, shown, text_of
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.origin import Origin
from keras_glove.symbolic.path import Key
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.writing import MAX_DEPTH, NODE_KINDS, PLAIN

__all__ = ["read"]

N = TypeVar("N", bound=Node)
_PLAIN = PLAIN | {float}
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


def read(document: Mapping[str, Any]) -> Any:
    """The value of a document whose head was checked."""
    reader = _Reader()
    if "nodes" in document:
        reader.read_apart(document["nodes"])
    return reader.read(document["value"])


class _Reader:
    """Keeps the path of the value at hand, for messages and for the limit on depth."""

    def __init__(self) -> None:
        self._path: list[Key] = []
        self._shared: dict[int, Node] = {}
        self._calls: dict[tuple[Any, ...], tuple[Callable[..., Any], bool]] = {}
        self._readers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "program": self._read_program,
            "node": self._read_node,
            "shared": self._read_shared,
            "tuple": lambda data: tuple(self._read_items(data["items"])),
            "dict": lambda data: dict(self._read_items(data["items"])),
        }

    def read_apart(self, listed: Any) -> None:
        """Reads the nodes that the value refers to."""
        if type(listed) is not list:
            raise SerializationError(f"Expected a list of 'nodes', received {shown(listed)}.")
        for data in listed:
            self.read(data)

    def read(self, data: Any) -> Any:
        kind = type(data)
        if kind is dict:
            return self._read_typed(data) if "$type" in data else self._read_dict(data)
        if kind is list:
            return self._read_items(data)
        if kind in _PLAIN:
            return data
        raise SerializationError(f"{at(self._path)}: expected JSON, received {shown(data)}.")

    def _inside(self, key: Key, data: Any) -> Any:
        self._path.append(key)
        if len(self._path) > MAX_DEPTH:
            raise SerializationError(
                f"{at(self._path[:3])}...: expected at most {MAX_DEPTH} levels of nesting, "
                "received more."
            )
        value = self.read(data)
        self._path.pop()
        return value

    def _read_items(self, data: Any) -> list[Any]:
        if type(data) is not list:
            raise TypeError(f"expected a list, received {shown(data)}")
        return [
            child if type(child) in _PLAIN else self._inside(place, child)
            for place, child in enumerate(data)
        ]

    def _read_dict(self, data: Any) -> dict[str, Any]:
        if type(data) is not dict:
            raise TypeError(f"expected an object, received {shown(data)}")
        for key in data:
            if type(key) is not str:
                raise SerializationError(
                    f"{at(self._path)}: expected JSON, received {shown(data)}."
                )
        return {
            key: child if type(child) in _PLAIN else self._inside(key, child)
            for key, child in data.items()
        }

    def _read_typed(self, data: dict[str, Any]) -> Any:
        kind = data["$type"]
        reader = None
        if type(kind) is str:
            reader = self._readers.get(kind) or LEAF_READERS.get(kind)
        if reader is None:
            known = sorted([*self._readers, *LEAF_READERS])
            raise SerializationError(
                f"{at(self._path)}: expected a '$type' among {known}, received {shown(kind)}."
            )
        try:
            return reader(data)
        except SerializationError:
            raise
        except _MALFORMED as error:
            raise SerializationError(
                f"{at(self._path)}: expected a {kind!r} as `kg.to_json` writes it, received "
                f"{shown(data)} ({type(error).__name__}: {error})."
            ) from error

    def _read_program(self, data: dict[str, Any]) -> Program:
        arguments = self._read_dict(data["arguments"])
        call = (data["target"], *arguments)
        target, in_order = self._calls.get(call) or self._checked_call(call)
        if not in_order:
            arguments = signature_of(target).ordered(arguments)
        origin = self._read_origin(data["origin"]) if "origin" in data else None
        return self._keep(data, Program(target, arguments, origin))

    def _checked_call(self, call: tuple[Any, ...]) -> tuple[Callable[..., Any], bool]:
        """What a name stands for, and whether the arguments that follow are in canonical order."""
        name, *arguments = call
        try:
            target = registry.resolve(text_of(name))
        except NotRegisteredError as error:
            raise NotRegisteredError(f"{at(self._path)}: {error}") from None
        signature = signature_of(target)
        try:
            for argument in arguments:
                signature.check_name(argument)
        except ArgumentError as error:
            raise SerializationError(f"{at(self._path)}: {error}") from error
        in_order = arguments == [*signature.ordered(dict.fromkeys(arguments))]
        self._calls[call] = target, in_order
        return target, in_order

    def _read_node(self, data: dict[str, Any]) -> Node:
        kind = NODE_KINDS.get(text_of(data["kind"]))
        if kind is None:
            raise ValueError(f"expected a kind among {sorted(NODE_KINDS)}")
        return self._keep(data, kind(**self._read_dict(data["fields"])))

    def _keep(self, data: dict[str, Any], node: N) -> N:
        if "id" in data:
            if type(data["id"]) is not int or data["id"] in self._shared:
                raise ValueError("'id' is no number of its own")
            self._shared[data["id"]] = node
        return node

    def _read_shared(self, data: dict[str, Any]) -> Node:
        if type(data["id"]) is not int or data["id"] not in self._shared:
            raise ValueError("'id' names nothing that was read before")
        return self._shared[data["id"]]

    def _read_origin(self, steps: Any) -> Origin | None:
        if type(steps) is not list:
            raise TypeError("expected a list of steps as the origin")
        origin = None
        for step in reversed(steps):
            source = step.get("source")
            detail = self._inside("origin", step["detail"])
            operation = text_of(step["operation"])
            origin = Origin(operation, detail, origin, source and text_of(source))
        return origin
