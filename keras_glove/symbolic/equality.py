"""Structural equality, hash and fingerprint of programs."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from keras_glove.symbolic import registry
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.traversal import SCALARS, children

__all__ = ["equal", "fingerprint", "structural_hash"]


def equal(left: Any, right: Any) -> bool:
    """Whether two programs describe the same: same calls, same values, same sharing.

    Types count (1, 1.0 and True differ), the order of keywords and dict keys does not. A
    node that is shared on one side must be shared on the other.

    >>> equal([1, {"a": 2, "b": 3}], [1, {"b": 3, "a": 2}]), equal(1, True)
    (True, False)
    """
    return _equal(left, right, {})


def _equal(left: Any, right: Any, pairs: dict[int, int]) -> bool:
    kind = type(left)
    if kind is not type(right):
        return False
    if kind in SCALARS:
        return bool(left == right) or (left != left and right != right)  # nan equals nan
    if kind is list or kind is tuple:
        return len(left) == len(right) and all(
            _equal(a, b, pairs) for a, b in zip(left, right, strict=True)
        )
    if kind is dict:
        return _equal_dicts(left, right, pairs)
    if isinstance(left, Node):
        return _equal_nodes(left, right, pairs)
    return _equal_others(left, right, pairs)


def _equal_dicts(left: dict[Any, Any], right: dict[Any, Any], pairs: dict[int, int]) -> bool:
    if len(left) != len(right):
        return False
    # In a fixed order, so that sharing is met in the same order on both sides.
    return all(key in right and _equal(left[key], right[key], pairs) for key in left)


def _equal_nodes(left: Any, right: Any, pairs: dict[int, int]) -> bool:
    if id(left) in pairs or ~id(right) in pairs:
        return pairs.get(id(left)) == id(right) and pairs.get(~id(right)) == id(left)
    pairs[id(left)] = id(right)
    pairs[~id(right)] = id(left)  # the other direction, under keys that no id has
    if type(left) is Program and left.__target__ is not right.__target__:
        return False
    return _equal_dicts(left.__fields__(), right.__fields__(), pairs)


def _equal_others(left: Any, right: Any, pairs: dict[int, int]) -> bool:
    if left is right:
        return True
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(
            left, right, equal_nan=left.dtype.kind in "fc"
        )
    below, others = children(left), children(right)
    if below is None or others is None:
        result = left == right
        return result if isinstance(result, bool) else False
    return _equal_dicts(dict(below), dict(others), pairs)


def structural_hash(value: Any) -> int:
    """A hash that agrees with `equal`, for this process only; see `fingerprint`."""
    kind = type(value)
    if kind in SCALARS:
        return hash((kind, value if value == value else "nan"))
    if kind is Program:
        items = value.__arguments__.items()
        return hash((value.__target__, *[(n, structural_hash(child)) for n, child in items]))
    below = children(value)
    if below is not None:
        hashes = [(key, structural_hash(child)) for key, child in _fields_of(value, below)]
        return hash((kind, frozenset(hashes)))
    if isinstance(value, np.ndarray):
        return hash((value.dtype.str, value.shape))
    try:
        return hash(value)
    except TypeError:
        return hash(kind)


def _fields_of(value: Any, below: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    return list(value.__fields__().items()) if isinstance(value, Node) else below


def fingerprint(value: Any) -> str:
    """A hexadecimal digest that agrees with `equal` and is the same in every process.

    Classes and functions count by their registered or qualified name. Leaves without
    a stable form raise `SerializationError`.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    tokens: list[str] = []
    _tokens(value, tokens)
    return hashlib.blake2b("\x1f".join(tokens).encode(), digest_size=16).hexdigest()


def _tokens(value: Any, out: list[str]) -> None:
    kind = type(value)
    if kind is str:
        out.append(f"s{len(value)}:{value}")
    elif kind in SCALARS:
        out.append(f"{kind.__name__}{value!r}")
    elif kind is list or kind is tuple:
        out.append(f"{kind.__name__}{len(value)}")
        for child in value:
            _tokens(child, out)
    elif kind is Program:
        out.append(f"p{_target_name(value.__target__)}{len(value.__arguments__)}")
        for name, child in value.__arguments__.items():
            out.append(name)
            _tokens(child, out)
    else:
        _other_tokens(value, out)


def _other_tokens(value: Any, out: list[str]) -> None:
    below = children(value)
    if below is None:
        from keras_glove.symbolic.serialization import leaf_to_json

        out.append(repr(leaf_to_json(value, ())))
        return
    fields = _fields_of(value, below)
    out.append(f"{type(value).__qualname__}{len(fields)}")
    for key, child in sorted(fields, key=lambda item: repr(item[0])):
        out.append(repr(key))
        _tokens(child, out)


def _target_name(target: Any) -> str:
    if registry.is_registered(target):
        return registry.name_of(target)
    return f"{getattr(target, '__module__', '')}.{getattr(target, '__qualname__', repr(target))}"
