"""Programs as JSON, and back, by registered names: nothing is imported, nothing evaluated.

The document is `{"format": "keras_glove", "version": 1, "value": ...}`. In a value, None,
bool, int, finite float, str and list are themselves, and so is a dict whose keys are
strings without a leading "$". Everything else is an object with a "$type":

| "$type" | other keys |
| --- | --- |
| "program" | "target": registered name, "arguments", and "id" where it stands in several places |
| "node" | "kind": name of the node class, "fields", and "id" likewise |
| "shared" | "id" of a program or node that was written before |
| "tuple" | "items" |
| "dict" | "items": pairs of key and value |
| "float" | "value": "nan", "inf" or "-inf" |
| "complex" | "value": pair of real and imaginary part |
| "bytes" | "value": base64 |
| "array" | "dtype", "shape", "value": base64 of the bytes in C order, little-endian |
| "callable" | "name": registered name |
"""

from __future__ import annotations

import base64
import binascii
import math
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from keras_glove.errors import ArgumentError, NotRegisteredError, SerializationError
from keras_glove.symbolic import registry
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.path import Path, format_path
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.traversal import children

__all__ = ["from_json", "register_node_kind", "to_json"]

FORMAT = "keras_glove"
VERSION = 1
MAX_DEPTH = 200
"""Deepest nesting that is read or written."""

N = TypeVar("N", bound=type[Node])
_KINDS: dict[str, type[Node]] = {}


def register_node_kind(cls: N) -> N:
    """Class decorator: nodes of this class are saved by its name and fields."""
    _KINDS[cls.__name__] = cls
    return cls


def to_json(value: Any) -> dict[str, Any]:
    """A JSON-able document of a program, space or plain value.

    Raises `SerializationError` (or `NotRegisteredError`) with the path of what has no
    JSON form.

    >>> to_json({"a": (1, 2)})["value"]
    {'a': {'$type': 'tuple', 'items': [1, 2]}}
    """
    return {"format": FORMAT, "version": VERSION, "value": _Writer(value).write(value, ())}


def from_json(document: Any) -> Any:
    """The value of a document that `to_json` wrote.

    Raises `SerializationError` for anything else, and `NotRegisteredError` for names that
    are not registered in this process.

    >>> from_json(to_json({"a": (1, 2)}))
    {'a': (1, 2)}
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SerializationError(
            "Expected a document made by `kg.to_json` (a dict whose 'format' is "
            f"{FORMAT!r}), received {_shown(document)}."
        )
    version = document.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise SerializationError(
            f"Expected a document of version 1 to {VERSION}, received version {version!r}. A newer "
            "keras_glove wrote it: upgrade keras_glove to read it."
        )
    if "value" not in document:
        raise SerializationError("Expected a document with a 'value', received one without.")
    return _Reader().read(document["value"], ())


def _at(path: Path) -> str:
    return f"at `{format_path(path) or 'the root'}`"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _check_depth(path: Path) -> None:
    if len(path) > MAX_DEPTH:
        raise SerializationError(
            f"{_at(path[:3])}...: expected at most {MAX_DEPTH} levels of nesting, received more."
        )


class _Writer:
    def __init__(self, root: Any) -> None:
        self._uses = _count_uses(root)
        self._ids: dict[int, int] = {}

    def write(self, value: Any, path: Path) -> Any:
        _check_depth(path)
        kind = type(value)
        if kind is list:
            return [self.write(child, (*path, i)) for i, child in enumerate(value)]
        if kind is tuple:
            items = [self.write(child, (*path, i)) for i, child in enumerate(value)]
            return {"$type": "tuple", "items": items}
        if kind is dict:
            return self._write_dict(value, path)
        if isinstance(value, Node):
            return self._write_node(value, path)
        return leaf_to_json(value, path)

    def _write_dict(self, value: dict[Any, Any], path: Path) -> Any:
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {key: self.write(child, (*path, key)) for key, child in value.items()}
        items = [
            [self.write(key, path), self.write(child, (*path, str(key)))]
            for key, child in value.items()
        ]
        return {"$type": "dict", "items": items}

    def _write_node(self, node: Node, path: Path) -> dict[str, Any]:
        if id(node) in self._ids:
            return {"$type": "shared", "id": self._ids[id(node)]}
        shared = {}
        if self._uses[id(node)] > 1:
            shared["id"] = self._ids[id(node)] = len(self._ids)
        fields = node.__fields__()
        if isinstance(node, Program):
            try:
                target = registry.name_of(node.__target__)
            except NotRegisteredError as error:
                raise NotRegisteredError(f"{_at(path)}: {error}") from None
            arguments = {name: self.write(child, (*path, name)) for name, child in fields.items()}
            return {"$type": "program", "target": target, "arguments": arguments, **shared}
        kind = type(node).__name__
        if _KINDS.get(kind) is not type(node):
            raise SerializationError(
                f"{_at(path)}: expected a node of a registered kind, received a {kind}."
            )
        written = {name: self.write(child, (*path, name)) for name, child in fields.items()}
        return {"$type": "node", "kind": kind, "fields": written, **shared}


def _count_uses(root: Any) -> Counter[int]:
    uses: Counter[int] = Counter()
    stack = [root]
    while stack:
        value = stack.pop()
        if isinstance(value, Node):
            uses[id(value)] += 1
            if uses[id(value)] == 1:
                stack.extend(value.__fields__().values())
            continue
        below = children(value)
        if below:
            stack.extend(child for _, child in below)
    return uses


def leaf_to_json(value: Any, path: Path) -> Any:
    """The JSON form of a value with nothing inside."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$type": "float", "value": repr(value)}
    if kind is complex:
        return {"$type": "complex", "value": [value.real, value.imag]}
    if kind is bytes:
        return {"$type": "bytes", "value": base64.b64encode(value).decode()}
    if isinstance(value, np.generic):
        return (
            leaf_to_json(value.item(), path)
            if value.dtype.kind in "biufU"
            else _no_form(value, path)
        )
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return _write_array(value)
    target = getattr(value, "__symbolic_target__", value)
    if callable(target) and registry.is_registered(target):
        return {"$type": "callable", "name": registry.name_of(target)}
    return _no_form(value, path)


def _no_form(value: Any, path: Path) -> Any:
    hint = (
        "Decorate the class or function with `@kg.symbolize`, so that it has a name."
        if callable(value)
        else "Describe it by a program (`kg.program`), or keep it out of what is saved."
    )
    raise SerializationError(
        f"{_at(path)}: expected a value with a JSON form, received {_shown(value)} of type "
        f"{type(value).__qualname__}. {hint}"
    )


def _write_array(value: np.ndarray[Any, Any]) -> dict[str, Any]:
    little = np.asarray(value, dtype=value.dtype.newbyteorder("<"), order="C")
    return {
        "$type": "array",
        "dtype": little.dtype.str,
        "shape": list(value.shape),
        "value": base64.b64encode(little.tobytes()).decode(),
    }


class _Reader:
    def __init__(self) -> None:
        self._shared: dict[int, Node] = {}

    def read(self, data: Any, path: Path) -> Any:
        _check_depth(path)
        if data is None or type(data) in (bool, int, float, str):
            return data
        if type(data) is list:
            return [self.read(child, (*path, i)) for i, child in enumerate(data)]
        if type(data) is not dict or not all(type(key) is str for key in data):
            raise SerializationError(f"{_at(path)}: expected JSON, received {_shown(data)}.")
        if "$type" not in data:
            return {key: self.read(child, (*path, key)) for key, child in data.items()}
        return self._read_typed(data, path)

    def _read_typed(self, data: dict[str, Any], path: Path) -> Any:
        readers: dict[str, Callable[[dict[str, Any], Path], Any]] = {
            "program": self._read_program,
            "node": self._read_node,
            "shared": self._read_shared,
            "tuple": lambda d, p: tuple(self._items(d, p)),
            "dict": self._read_pairs,
            "float": lambda d, p: _read_float(d["value"]),
            "complex": lambda d, p: complex(*d["value"]),
            "bytes": lambda d, p: base64.b64decode(d["value"], validate=True),
            "array": lambda d, p: _read_array(d),
            "callable": lambda d, p: registry.resolve(_text(d["name"])),
        }
        reader = readers.get(data["$type"]) if type(data["$type"]) is str else None
        if reader is None:
            raise SerializationError(
                f"{_at(path)}: expected a '$type' among {sorted(readers)}, received "
                f"{_shown(data['$type'])}."
            )
        try:
            return reader(data, path)
        except SerializationError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise SerializationError(
                f"{_at(path)}: expected a {data['$type']!r} as `kg.to_json` writes it, received "
                f"{_shown(data)} ({type(error).__name__}: {error})."
            ) from error

    def _items(self, data: dict[str, Any], path: Path) -> list[Any]:
        if type(data["items"]) is not list:
            raise TypeError("'items' is no list")
        return [self.read(child, (*path, i)) for i, child in enumerate(data["items"])]

    def _read_pairs(self, data: dict[str, Any], path: Path) -> dict[Any, Any]:
        pairs = [self.read(pair, (*path, i)) for i, pair in enumerate(data["items"])]
        return {key: child for key, child in pairs}

    def _fields(self, data: dict[str, Any], key: str, path: Path) -> dict[str, Any]:
        if type(data[key]) is not dict:
            raise TypeError(f"{key!r} is no dict")
        return {name: self.read(child, (*path, name)) for name, child in data[key].items()}

    def _read_program(self, data: dict[str, Any], path: Path) -> Program:
        target = registry.resolve(_text(data["target"]))
        arguments = self._fields(data, "arguments", path)
        signature = signature_of(target)
        try:
            for name in arguments:
                signature.check_name(name)
        except ArgumentError as error:
            raise SerializationError(f"{_at(path)}: {error}") from error
        return self._keep(data, Program(target, signature.ordered(arguments)))

    def _read_node(self, data: dict[str, Any], path: Path) -> Node:
        kind = _KINDS.get(_text(data["kind"]))
        if kind is None:
            raise SerializationError(
                f"{_at(path)}: expected a kind among {sorted(_KINDS)}, received {data['kind']!r}."
            )
        return self._keep(data, kind(**self._fields(data, "fields", path)))

    def _keep(self, data: dict[str, Any], node: Any) -> Any:
        if "id" in data:
            if type(data["id"]) is not int or data["id"] in self._shared:
                raise ValueError("'id' is no number of its own")
            self._shared[data["id"]] = node
        return node

    def _read_shared(self, data: dict[str, Any], path: Path) -> Node:
        if type(data["id"]) is not int or data["id"] not in self._shared:
            raise ValueError("'id' names nothing that was read before")
        return self._shared[data["id"]]


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f"expected a text, received {_shown(value)}")
    return value


def _read_float(text: Any) -> float:
    if text not in ("nan", "inf", "-inf"):
        raise ValueError("expected 'nan', 'inf' or '-inf'")
    return float(text)


def _read_array(data: dict[str, Any]) -> np.ndarray[Any, Any]:
    dtype = np.dtype(_text(data["dtype"]))
    if dtype.kind not in "biufc":
        raise ValueError("expected a dtype of numbers")
    content = base64.b64decode(data["value"], validate=True)
    return np.frombuffer(content, dtype=dtype).reshape([int(n) for n in data["shape"]]).copy()
