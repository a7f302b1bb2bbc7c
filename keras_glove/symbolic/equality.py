"""Structural equality, hash and fingerprint of programs: all three read one canonical form."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_glove.symbolic import registry
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.traversal import SCALARS, children

__all__ = ["equal", "fingerprint", "sort_key", "structural_hash"]


def equal(left: Any, right: Any) -> bool:
    """Whether two programs describe the same: same calls, same values, same sharing.

    Types count (1, 1.0 and True differ), the order of keywords and dict keys does not. A
    node that is shared on one side must be shared on the other.

    >>> equal([1, {"a": 2, "b": 3}], [1, {"b": 3, "a": 2}]), equal(1, True)
    (True, False)
    """
    return _Tokens().of(left) == _Tokens().of(right)


def structural_hash(value: Any) -> int:
    """A hash that agrees with `equal`, for this process only; see `fingerprint`."""
    return hash(tuple(_Tokens().of(value)))


def fingerprint(value: Any) -> str:
    """A hexadecimal digest that agrees with `equal` and is the same in every process.

    Classes and functions count by their registered or qualified name. Leaves without
    a JSON form raise `SerializationError`.

    >>> fingerprint({"a": 1, "b": 2})
    '177066a3197db938436615d5a61046d2'
    """
    text = "\x1f".join(map(_stable, _Tokens().of(value)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def sort_key(value: Any) -> list[tuple[str, Any]]:
    """A key that puts programs and values of any kinds into one order, in every process.

    Numbers stand by size and texts by alphabet; programs by what they call, then by their
    arguments. Values with the same key are equal.

    >>> sorted([2.5, "b", 1, "a", None], key=sort_key)
    [None, 1, 2.5, 'a', 'b']
    """
    key: list[tuple[str, Any]] = []
    tokens = iter(_Tokens().of(value))
    for token in tokens:
        if token is type(None):
            key.append(("0 none", str(next(tokens))))
        elif token is bool:
            key.append(("1 bool", next(tokens)))
        elif type(token) is int:
            key += [("2 number", token), ("2 of", "int")]
        elif token is float:
            number = next(tokens)
            nan = number == "nan"
            key += [("2 number", math.inf if nan else number), ("2 of", "nan" if nan else "float")]
        elif type(token) is str:
            key.append(("3 text", token))
        else:
            key.append(("4 other", _stable(token)))
    return key


class _Leaf:
    """A value with nothing inside whose own `==` may be anything, such as a tensor's."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Leaf) or type(self.value) is not type(other.value):
            return False
        return self.value is other.value or (self.value == other.value) is True

    def __hash__(self) -> int:
        try:
            return hash(self.value)
        except TypeError:  # unhashable leaves of one kind all hash alike
            return 0


class _Tokens:
    """The canonical form: a flat list, in which no two different values read the same.

    An int or str stands for itself; everything else begins with its type, and a container
    or node tells its length. A node that was met before is told by its number.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._out: list[Any] = []

    def of(self, value: Any) -> list[Any]:
        self._add_all((value,))
        return self._out

    def _add_all(self, values: Iterable[Any]) -> None:
        put = self._out.append
        for value in values:
            kind = type(value)
            if kind is int or kind is str:
                put(value)
            elif kind is Program:
                self._add_node(value)
            elif kind is list or kind is tuple:
                self._out += (kind, len(value))
                self._add_all(value)
            else:
                self._add_rare(kind, value)

    def _add_node(self, node: Node) -> None:
        number = self._numbers.get(id(node))
        if number is not None:
            self._out += (Node, number)
            return
        self._numbers[id(node)] = len(self._numbers)
        fields = node.__fields__()
        what = node.__target__ if type(node) is Program else type(node)
        self._out += (Node, what, len(fields), *fields)
        self._add_all(fields.values())

    def _add_rare(self, kind: type, value: Any) -> None:
        if kind is float:
            self._out += (kind, value if value == value else "nan")  # only nan differs from itself
        elif kind in SCALARS:
            self._out += (kind, value)
        elif kind is dict:
            keys = sorted(value, key=_key_order)
            self._out += (kind, len(keys), *keys)
            self._add_all(value[key] for key in keys)
        elif isinstance(value, Node):
            self._add_node(value)
        else:
            self._add_other(value)

    def _add_other(self, value: Any) -> None:
        if isinstance(value, np.ndarray):
            self._out += (np.ndarray, value.dtype.str, value.shape, value.tobytes())
            return
        below = children(value)
        if below is None:
            self._out += (type(value), _Leaf(value))
            return
        self._out += (type(value), len(below), *(key for key, _ in below))
        self._add_all(child for _, child in below)


def _key_order(key: Any) -> tuple[str, Any]:
    return ("", key) if type(key) is str else (type(key).__qualname__, repr(key))


def _stable(token: Any) -> str:
    kind = type(token)
    if kind is int:
        return repr(token)
    if kind is str:
        return f"{len(token)}:{token}"
    if kind is _Leaf:
        from keras_glove.symbolic.serialization import leaf_to_json

        return repr(leaf_to_json(token.value, ()))
    return registry.lasting_name(token) if callable(token) else repr(token)
