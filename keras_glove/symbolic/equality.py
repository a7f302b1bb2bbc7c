"""Structural equality of programs, and a hash that agrees with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_glove.symbolic.node import Node
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.traversal import SCALARS, children

__all__ = ["ATOMS", "equal", "same_leaf", "sorted_keys", "structural_hash"]

ATOMS = frozenset({type(None), bool, int, str, bytes})
"""Types whose values of one type are told apart by `==`, and hash by value."""
_TEXT = {str}


def equal(left: Any, right: Any) -> bool:
    """Whether two programs describe the same: same calls, same values, same sharing.

    Types count (1, 1.0 and True differ), the order of keywords and dict keys does not. A
    node that is shared on one side must be shared on the other.

    >>> equal([1, {"a": 2, "b": 3}], [1, {"b": 3, "a": 2}]), equal(1, True)
    (True, False)
    """
    if left is right:
        return True
    pairs: dict[int, int] = {}  # nodes on the left -> those on the right
    # Level by level and no recursion: programs may be deep, and are compared often.
    todo: list[_Level] = [((left, right),)]
    while todo:
        for a, b in todo.pop():
            kind = type(a)
            if a is b and kind in SCALARS:
                continue
            if kind is not type(b):
                return False
            if kind is Program:
                known = pairs.get(id(a))
                if known is not None:
                    if known != id(b):
                        return False
                    continue
                if a.__target__ is not b.__target__ and a.__target__ != b.__target__:
                    return False
                pairs[id(a)] = id(b)
                fields, others = a.__arguments__, b.__arguments__
                if [*fields] != [*others]:
                    return False
                todo.append(zip(fields.values(), others.values()))  # noqa: B905 # cf. below
            elif kind in ATOMS:
                if a != b:
                    return False
            elif kind is list or kind is tuple:
                if len(a) != len(b):
                    return False
                todo.append(zip(a, b))  # noqa: B905 # a keyword would cost more than the check
            elif kind is not float or a != b:
                below = _of_dicts(a, b) if kind is dict else _of_others(a, b, pairs)
                if below is None:
                    return False
                todo.append(below)
    return len({*pairs.values()}) == len(pairs)  # no two on the left are one on the right


_Level = Iterable[tuple[Any, Any]]
"""Pairs of values that stand in the same place; None elsewhere means that two values differ."""


def _of_dicts(a: dict[Any, Any], b: dict[Any, Any]) -> _Level | None:
    keys = [*a]
    for key in keys:
        if type(key) is not str:
            return _of_odd_dicts(a, b)
    if keys == [*b]:
        return zip(a.values(), b.values())  # noqa: B905
    return [(value, b[key]) for key, value in a.items()] if a.keys() == b.keys() else None


def _of_odd_dicts(a: dict[Any, Any], b: dict[Any, Any]) -> _Level | None:
    theirs = {key: (key, value) for key, value in b.items()}
    if a.keys() != theirs.keys():
        return None
    return [((key, value), theirs[key]) for key, value in a.items()]  # 1 is no True, as a key too


def _of_others(a: Any, b: Any, pairs: dict[int, int]) -> _Level | None:
    if isinstance(a, Node):
        known = pairs.get(id(a))
        if known is not None:
            return () if known == id(b) else None
        pairs[id(a)] = id(b)
        return _of_dicts(a.__fields__(), b.__fields__())
    below = children(a)
    if below is None:
        return () if same_leaf(a, b) else None
    mine, theirs = dict(below), dict(children(b) or ())
    return _of_dicts(mine, theirs) if [*mine] == [*theirs] else None


def same_leaf(a: Any, b: Any) -> bool:
    """Whether two values of one type with nothing inside are the same."""
    if a is b:
        return True
    kind = type(a)
    if kind is float:
        return bool(a == b or (a != a and b != b))  # only nan differs from itself
    if kind is complex:
        return same_leaf(a.real, b.real) and same_leaf(a.imag, b.imag)
    if isinstance(a, np.ndarray | np.generic):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    return (a == b) is True  # which may be anything, such as a tensor


def structural_hash(value: Any) -> int:
    """A hash that agrees with `equal`, for this process only; see `fingerprint`."""
    out: list[Any] = []
    put = out.append
    numbers: dict[int, int] = {}
    todo: list[Iterable[Any]] = [(value,)]
    while todo:
        for inner in todo.pop():
            kind = type(inner)
            if kind in ATOMS:
                put(inner)
            elif kind is list or kind is tuple:
                put(len(inner))
                todo.append(inner)
            elif kind is Program:
                number = numbers.get(id(inner))
                if number is None:
                    numbers[id(inner)] = len(numbers)
                    put(inner.__target__)
                    out += inner.__arguments__
                    todo.append(inner.__arguments__.values())
                else:
                    put(number)
            elif kind is float:
                put(inner if inner == inner else None)  # a nan hashes by its identity
            elif kind is dict:
                ordered = inner if len(inner) < 2 else {k: inner[k] for k in sorted_keys(inner)}
                out += ordered
                todo.append(ordered.values())
            else:
                todo.append(_begin(inner, out, numbers))
    return hash(tuple(out))


def _begin(value: Any, out: list[Any], numbers: dict[int, int]) -> list[Any]:
    """Writes what a value of a rarer kind begins with; returns what stands inside it."""
    out.append(type(value))
    if isinstance(value, Node):
        number = numbers.get(id(value))
        if number is not None:
            return [number]
        numbers[id(value)] = len(numbers)
        return [*value.__fields__().values()]
    below = children(value)
    if below is None:
        out.append(_leaf_hash(value))
        return []
    return [child for _, child in below]


def _leaf_hash(value: Any) -> int:
    if isinstance(value, np.ndarray | np.generic):
        return hash((value.dtype.str, value.tobytes()))
    if type(value) is complex and value != value:
        return 0
    try:
        return hash(value)
    except TypeError:  # unhashable leaves of one kind all hash alike
        return 0


def sorted_keys(value: dict[Any, Any]) -> list[Any]:
    """The keys of a dict in an order that does not depend on how it was made."""
    if len(value) < 2:
        return [*value]
    if {*map(type, value)} == _TEXT:
        return sorted(value)
    return sorted(value, key=_key_order)


def _key_order(key: Any) -> tuple[str, Any]:
    return ("", key) if type(key) is str else (type(key).__qualname__, repr(key))
