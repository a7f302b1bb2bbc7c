"""The canonical form of a program: equal ones have one digest and one place in an order."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np

from keras_glove.symbolic import registry
from keras_glove.symbolic.equality import sorted_keys
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.traversal import SCALARS, children

__all__ = ["fingerprint", "sort_key"]


def fingerprint(value: Any) -> str:
    """A hexadecimal digest that agrees with `equal` and is the same in every process.

    Classes and functions count by their registered or qualified name. Leaves without
    a JSON form raise `SerializationError`.

    >>> fingerprint({"a": 1, "b": 2})
    '177066a3197db938436615d5a61046d2'
    """
    text = "\x1f".join(map(_stable, _tokens(value)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def sort_key(value: Any) -> list[tuple[str, Any]]:
    """A key that puts programs and values of any kinds into one order, in every process.

    Numbers stand by size and texts by alphabet; programs by what they call, then by their
    arguments. Values with the same key are equal.

    >>> sorted([2.5, "b", 1, "a", None], key=sort_key)
    [None, 1, 2.5, 'a', 'b']
    """
    key: list[tuple[str, Any]] = []
    tokens = iter(_tokens(value))
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
    """A value with nothing inside that only its JSON form tells."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _tokens(value: Any) -> list[Any]:
    """A flat list, in which no two different values read the same.

    An int or str stands for itself; everything else begins with its type, and a container
    or node tells its length. A node that was met before is told by its number.
    """
    out: list[Any] = []
    numbers: dict[int, int] = {}
    todo = [value]
    while todo:
        value = todo.pop()
        kind = type(value)
        if kind is int or kind is str:
            out.append(value)
        elif kind is list or kind is tuple:
            out += (kind, len(value))
            todo += reversed(value)
        elif isinstance(value, Node):
            number = numbers.get(id(value))
            if number is None:
                numbers[id(value)] = len(numbers)
                fields = value.__fields__()
                what = value.__target__ if type(value) is Program else kind
                out += (Node, what, len(fields), *fields)
                todo += reversed(fields.values())
            else:
                out += (Node, number)
        else:
            todo += reversed(_rare(value, out))
    return out


def _rare(value: Any, out: list[Any]) -> list[Any]:
    """Writes what a value of another kind begins with; returns what stands inside it."""
    kind = type(value)
    if kind is float:
        out += (kind, value + 0.0 if value == value else "nan")  # -0.0 equals 0.0
        return []
    if kind is complex:
        out.append(kind)
        return [value.real, value.imag]
    if kind in SCALARS:
        out += (kind, value)
        return []
    if kind is dict:
        keys = sorted_keys(value)
        out += (kind, len(keys), *keys)
        return [value[key] for key in keys]
    if isinstance(value, np.ndarray | np.generic):
        out += (kind, value.dtype.str, value.shape, value.tobytes())
        return []
    below = children(value)
    if below is None:
        out += (kind, _Leaf(value))
        return []
    out += (kind, len(below), *(key for key, _ in below))
    return [child for _, child in below]


def _stable(token: Any) -> str:
    kind = type(token)
    if kind is int:
        return repr(token)
    if kind is str:
        return f"{len(token)}:{token}"
    if kind is _Leaf:
        from keras_glove.symbolic.leaves import leaf_to_json

        return repr(leaf_to_json(token.value, ()))
    if isinstance(token, type) and issubclass(token, Node):
        return f"node {token.__name__}"  # wherever its module may move
    return registry.lasting_name(token) if callable(token) else repr(token)
