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
    try:
        return _Reader().read_all(document)
    except SerializationError:
        return _LocatingReader().read_all(document)  # raises it with the path


class _Reader:
    """Reads values without a thought of where they stand."""

    def __init__(self) -> None:
        self.path: list[Key] = []  # of the value at hand; kept by `_LocatingReader`
        self._depth = 0
        self._shared: dict[int, Node] = {}
        self._calls: dict[tuple[Any, ...], tuple[Callable[..., Any], bool]] = {}
        self._readers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "$program": self._read_new_call,
            "$node": self._read_node,
            "$shared": self._read_shared,
            "$tuple": lambda data: tuple(self._read_items(data["$tuple"])),
            "$dict": lambda data: dict(self._read_items(data["$dict"])),
            **LEAF_READERS,
        }

    def read_all(self, document: Mapping[str, Any]) -> Any:
        apart = document.get("nodes", [])
        if type(apart) is not list:
            raise SerializationError(f"Expected a list of 'nodes', received {shown(apart)}.")
        for data in apart:
            self.read(data)
        return self.read(document["value"])

    def read(self, data: Any) -> Any:
        kind = type(data)
        if kind is dict:
            if "$program" in data:
                return self._read_program(data)
            for key in data:
                if type(key) is not str or key[:1] == "$":
                    return self._read_tagged(data)
            return self._read_named(data)
        if kind is list:
            return self._read_items(data)
        if kind in _PLAIN:
            return data
        raise SerializationError(f"{at(self.path)}: expected JSON, received {shown(data)}.")

    def _read_items(self, data: Any) -> list[Any]:
        if type(data) is not list:
            raise TypeError(f"expected a list, received {shown(data)}")
        self._enter()
        items = [child if type(child) in _PLAIN else self.read(child) for child in data]
        self._depth -= 1
        return items

    def _read_named(self, data: dict[str, Any]) -> dict[str, Any]:
        self._enter()
        named = {
            key: child if type(child) in _PLAIN else self.read(child) for key, child in data.items()
        }
        self._depth -= 1
        return named

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH + 1:
            raise _too_deep(self.path)

    def _read_tagged(self, data: dict[str, Any]) -> Any:
        """An object of which a key with a "$" tells what it stands for."""
        reader = None
        for key in data:
            reader = reader or self._readers.get(key)
        if reader is None:
            raise SerializationError(
                f"{at(self.path)}: expected JSON, and one of {sorted(self._readers)} among the "
                f"keys where any begins with '$', received {shown(data)}."
            )
        try:
            return reader(data)
        except SerializationError:
            raise
        except _MALFORMED as error:
            raise SerializationError(
                f"{at(self.path)}: expected an object as `kg.to_json` writes it, received "
                f"{shown(data)} ({type(error).__name__}: {error})."
            ) from error

    def _read_program(self, data: dict[str, Any]) -> Program:
        arguments = self._read_named(data)
        name = arguments["$program"]
        known = self._calls.get((name, *arguments)) if type(name) is str else None
        if known is None:
            made: Program = self._read_tagged(arguments)
            return made
        target, in_order = known
        del arguments["$program"]
        return Program(target, arguments if in_order else signature_of(target).ordered(arguments))

    def _read_new_call(self, data: dict[str, Any]) -> Program:
        """A program with further "$" keys, or with arguments of names that are not checked yet."""
        name = text_of(data["$program"])
        arguments = {key: value for key, value in data.items() if key not in _OWN}
        if any(text_of(key)[:1] == "$" for key in arguments):
            raise ValueError(f"expected no keys with '$' but {sorted(_OWN)}")
        if "$arguments" in data:
            arguments |= dict(data["$arguments"])
        target = self._resolved(name)
        ordered = self._checked(target, arguments)
        if len(data) == len(arguments) + 1:
            self._calls[(name, *data)] = target, [*ordered] == [*arguments]
        origin = _origin_of(data["$origin"]) if "$origin" in data else None
        return self._keep(data, Program(target, ordered, origin))

    def _resolved(self, name: str) -> Callable[..., Any]:
        try:
            return registry.resolve(name)
        except NotRegisteredError as error:
            raise NotRegisteredError(f"{at(self.path)}: {error}") from None

    def _checked(self, target: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments in canonical order; `SerializationError` for a name that is not taken."""
        signature = signature_of(target)
        try:
            for name in arguments:
                signature.check_name(text_of(name))
        except ArgumentError as error:
            raise SerializationError(f"{at(self.path)}: {error}") from error
        return signature.ordered(arguments)

    def _read_node(self, data: dict[str, Any]) -> Node:
        fields = self._read_named(data)
        kind = NODE_KINDS.get(text_of(fields.pop("$node")))
        if kind is None:
            raise ValueError(f"expected a kind among {sorted(NODE_KINDS)}")
        fields.pop("$id", None)
        return self._keep(data, kind(**fields))

    def _keep(self, data: dict[str, Any], node: N) -> N:
        if "$id" in data:
            if type(data["$id"]) is not int or data["$id"] in self._shared:
                raise ValueError("'$id' is no number of its own")
            self._shared[data["$id"]] = node
        return node

    def _read_shared(self, data: dict[str, Any]) -> Node:
        if type(data["$shared"]) is not int or data["$shared"] not in self._shared:
            raise ValueError("'$shared' names nothing that was read before")
        return self._shared[data["$shared"]]


class _LocatingReader(_Reader):
    """Keeps the path of the value at hand, for messages and for the limit on depth."""

    def _read_items(self, data: Any) -> list[Any]:
        if type(data) is not list:
            return super()._read_items(data)  # raises
        return [self._inside(place, child) for place, child in enumerate(data)]

    def _read_named(self, data: dict[str, Any]) -> dict[str, Any]:
        return {key: self._inside(key, child) for key, child in data.items()}

    def _inside(self, key: Key, data: Any) -> Any:
        self.path.append(key)
        if len(self.path) > MAX_DEPTH:
            raise _too_deep(self.path)
        value = self.read(data)
        self.path.pop()
        return value


def _too_deep(path: list[Key]) -> SerializationError:
    return SerializationError(
        f"{at(path[:3])}...: expected at most {MAX_DEPTH} levels of nesting, received more."
    )


_OWN = frozenset(["$program", "$arguments", "$id", "$origin"])


def _origin_of(steps: Any) -> Origin | None:
    """The origin of steps whose details were read, the latest first."""
    if type(steps) is not list:
        raise TypeError("expected a list of steps as the origin")
    origin = None
    for step in reversed(steps):
        source = step.get("source")
        operation = text_of(step["operation"])
        origin = Origin(operation, step["detail"], origin, source and text_of(source))
    return origin
