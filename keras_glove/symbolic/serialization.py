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
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from keras_glove.errors import ArgumentError, NotRegisteredError, SerializationError
from keras_glove.symbolic import registry
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.path import Key, format_path
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.traversal import children

__all__ = ["from_json", "register_node_kind", "to_json"]

FORMAT = "keras_glove"
VERSION = 1
MAX_DEPTH = 100
"""Deepest nesting that is read or written."""

PLAIN = frozenset({type(None), bool, int, str})
"""Types that are their own JSON form."""

N = TypeVar("N", bound=Node)
_KINDS: dict[str, type[Node]] = {}


def register_node_kind(cls: type[N]) -> type[N]:
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
    return {"format": FORMAT, "version": VERSION, "value": _Writer(value).write(value)}


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
    return _Reader().read(document["value"])


def _at(path: Sequence[Key]) -> str:
    return f"at `{format_path(path) or 'the root'}`"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


class _Walker:
    """Keeps the path of the value at hand, for messages and for the limit on depth."""

    def __init__(self) -> None:
        self._path: list[Key] = []

    @property
    def _here(self) -> str:
        return _at(self._path)

    def _enter(self, key: Key) -> None:
        self._path.append(key)
        if len(self._path) > MAX_DEPTH:
            raise SerializationError(
                f"{_at(self._path[:3])}...: expected at most {MAX_DEPTH} levels of nesting, "
                "received more."
            )


class _Writer(_Walker):
    def __init__(self, root: Any) -> None:
        super().__init__()
        self._uses = _count_uses(root)
        self._ids: dict[int, int] = {}

    def write(self, value: Any) -> Any:
        kind = type(value)
        if kind is list:
            return self._write_all(enumerate(value))
        if kind is tuple:
            return {"$type": "tuple", "items": self._write_all(enumerate(value))}
        if kind is dict:
            return self._write_dict(value)
        if isinstance(value, Node):
            return self._write_node(value)
        return leaf_to_json(value, self._path)

    def _write_all(self, items: Iterable[tuple[Key, Any]]) -> list[Any]:
        written = []
        for key, child in items:
            if type(child) not in PLAIN:
                self._enter(key)
                child = self.write(child)
                self._path.pop()
            written.append(child)
        return written

    def _write_dict(self, value: dict[Any, Any]) -> Any:
        if all(type(key) is str and not key.startswith("$") for key in value):
            return dict(zip(value, self._write_all(value.items()), strict=True))
        keys = [self.write(key) for key in value]
        values = self._write_all((str(key), child) for key, child in value.items())
        return {"$type": "dict", "items": [list(pair) for pair in zip(keys, values, strict=True)]}

    def _write_node(self, node: Node) -> dict[str, Any]:
        key = id(node)
        if key in self._ids:
            return {"$type": "shared", "id": self._ids[key]}
        head = self._head(node)
        if self._uses[key] > 1:
            head["id"] = self._ids[key] = len(self._ids)
        fields = node.__fields__()
        written = dict(zip(fields, self._write_all(fields.items()), strict=True))
        head["arguments" if isinstance(node, Program) else "fields"] = written
        return head

    def _head(self, node: Node) -> dict[str, Any]:
        if isinstance(node, Program):
            try:
                return {"$type": "program", "target": registry.name_of(node.__target__)}
            except NotRegisteredError as error:
                raise NotRegisteredError(f"{self._here}: {error}") from None
        kind = type(node).__name__
        if _KINDS.get(kind) is not type(node):
            raise SerializationError(
                f"{self._here}: expected a node of a registered kind, received a {kind}."
            )
        return {"$type": "node", "kind": kind}


def _count_uses(root: Any) -> Counter[int]:
    uses: Counter[int] = Counter()
    stack = [root]
    while stack:
        value = stack.pop()
        kind = type(value)
        if kind in PLAIN:
            continue
        if kind is list or kind is tuple:
            stack.extend(value)
        elif kind is dict:
            stack.extend(value.values())
        elif isinstance(value, Node):
            uses[id(value)] += 1
            if uses[id(value)] == 1:
                stack.extend(value.__fields__().values())
        else:
            stack.extend(child for _, child in children(value) or ())
    return uses


def leaf_to_json(value: Any, path: Sequence[Key]) -> Any:
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


def _no_form(value: Any, path: Sequence[Key]) -> Any:
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


class _Reader(_Walker):
    def __init__(self) -> None:
        super().__init__()
        self._shared: dict[int, Node] = {}
        self._readers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "program": self._read_program,
            "node": self._read_node,
            "shared": self._read_shared,
            "tuple": lambda data: tuple(self._read_list(data["items"])),
            "dict": self._read_pairs,
            "float": lambda data: _read_float(data["value"]),
            "complex": lambda data: complex(*data["value"]),
            "bytes": lambda data: base64.b64decode(data["value"], validate=True),
            "array": _read_array,
            "callable": lambda data: registry.resolve(_text(data["name"])),
        }

    def read(self, data: Any) -> Any:
        kind = type(data)
        if kind in PLAIN or kind is float:
            return data
        if kind is list:
            return self._read_list(data)
        if kind is not dict or not all(type(key) is str for key in data):
            raise SerializationError(f"{self._here}: expected JSON, received {_shown(data)}.")
        if "$type" in data:
            return self._read_typed(data)
        return self._read_dict(data)

    def _read_list(self, data: Any) -> list[Any]:
        if type(data) is not list:
            raise TypeError(f"expected a list, received {_shown(data)}")
        return list(self._read_dict(dict(enumerate(data))).values())

    def _read_dict(self, data: Any) -> dict[Any, Any]:
        if type(data) is not dict:
            raise TypeError(f"expected an object, received {_shown(data)}")
        values = {}
        for key, child in data.items():
            if type(child) not in PLAIN:
                self._enter(key)
                child = self.read(child)
                self._path.pop()
            values[key] = child
        return values

    def _read_typed(self, data: dict[str, Any]) -> Any:
        kind = data["$type"]
        reader = self._readers.get(kind) if type(kind) is str else None
        if reader is None:
            raise SerializationError(
                f"{self._here}: expected a '$type' among {sorted(self._readers)}, received "
                f"{_shown(kind)}."
            )
        try:
            return reader(data)
        except SerializationError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise SerializationError(
                f"{self._here}: expected a {kind!r} as `kg.to_json` writes it, received "
                f"{_shown(data)} ({type(error).__name__}: {error})."
            ) from error

    def _read_pairs(self, data: dict[str, Any]) -> dict[Any, Any]:
        return dict(self._read_list(data["items"]))

    def _read_program(self, data: dict[str, Any]) -> Program:
        try:
            target = registry.resolve(_text(data["target"]))
        except NotRegisteredError as error:
            raise NotRegisteredError(f"{self._here}: {error}") from None
        arguments = self._read_dict(data["arguments"])
        signature = signature_of(target)
        try:
            for name in arguments:
                signature.check_name(name)
        except ArgumentError as error:
            raise SerializationError(f"{self._here}: {error}") from error
        return self._keep(data, Program(target, signature.ordered(arguments)))

    def _read_node(self, data: dict[str, Any]) -> Node:
        kind = _KINDS.get(_text(data["kind"]))
        if kind is None:
            raise SerializationError(
                f"{self._here}: expected a kind among {sorted(_KINDS)}, received {data['kind']!r}."
            )
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
    array: np.ndarray[Any, Any] = np.frombuffer(content, dtype=dtype)
    shaped: np.ndarray[Any, Any] = array.reshape([int(n) for n in data["shape"]]).copy()
    return shaped
