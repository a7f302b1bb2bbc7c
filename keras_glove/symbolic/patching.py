"""`patch` and `merge`: programs made from other programs' differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from keras_glove.errors import ArgumentError, PathError
from keras_glove.symbolic.copying import clone
from keras_glove.symbolic.editing import Edit
from keras_glove.symbolic.equality import equal
from keras_glove.symbolic.node import MISSING
from keras_glove.symbolic.path import Key, Path, format_path, parse_path
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.rebinding import get, in_order, rebind

__all__ = ["merge", "patch"]


def patch(value: Any, difference: Mapping[str, tuple[Any, Any]]) -> Any:
    """A copy of a program with the right-hand sides of a difference in their places.

    Raises `PathError` where the program does not hold the left-hand side that the
    difference was taken from.

    >>> from keras_glove.symbolic import diff, program
    >>> old, new = program(dict, a=1, b=2), program(dict, a=5, c=3)
    >>> patch(old, diff(old, new)) == new
    True
    """
    paths = [parse_path(text) for text in difference]
    for path, (left, _) in zip(paths, difference.values(), strict=True):
        _check_side(value, path, left)
    rights = clone([right for _, right in difference.values()])  # together: sharing is kept
    edit = Edit(clone(value))
    for path, new in in_order(list(zip(paths, rights, strict=True))):
        edit.put(path, new, grow=True)
    return edit.root


def _check_side(value: Any, path: Path, left: Any) -> None:
    try:
        there = _given(get(value, path[:-1]), path[-1]) if path else value
    except PathError:
        there = MISSING
    if not equal(there, left):
        raise PathError(
            f"at `{format_path(path) or 'the root'}`: expected {left!r}, which the difference "
            f"was taken from, received a program with {there!r} there."
        )


def _given(holder: Any, key: Key) -> Any:
    """What a program was given under a name, not the default behind it."""
    if isinstance(holder, Program):
        return holder.__arguments__.get(str(key), MISSING)
    return get(holder, (key,))


def merge(
    base: Any,
    override: Any,
    *,
    conflict: str | Callable[[str, Any, Any], Any] = "override",
) -> Any:
    """A program with the arguments of both, down to the places where they conflict.

    Programs of the same class or function, and dicts, are merged name by name; everything
    else is a value, and where both sides give different ones they conflict.

    Args:
      base: a program or dict; not changed.
      override: another of the same kind.
      conflict: "override" takes the value of `override`, "base" that of `base`, "error" raises
        `ArgumentError`; or a function of (path, base value, override value).

    >>> from keras_glove.symbolic import program
    >>> merge(program(dict, a=1, b={"x": 1}), program(dict, b={"y": 2}, a=3))
    dict(a=3, b={'x': 1, 'y': 2})
    """
    rules = {"override": lambda p, a, b: b, "base": lambda p, a, b: a, "error": _refuse_conflict}
    rule = rules.get(conflict) if isinstance(conflict, str) else conflict
    if rule is None:
        raise ArgumentError(
            f"Expected conflict to be one of {list(rules)} or a function, received {conflict!r}."
        )
    return _merge(clone(base), clone(override), (), rule)


def _refuse_conflict(path: str, base: Any, override: Any) -> Any:
    raise ArgumentError(
        f"at `{path or 'the root'}`: expected programs that agree, received {base!r} and "
        f"{override!r}. Choose with `conflict`."
    )


def _merge(base: Any, override: Any, path: Path, rule: Callable[[str, Any, Any], Any]) -> Any:
    if isinstance(base, Program) and isinstance(override, Program):
        if base.__target__ is override.__target__:
            merged = _merge_dicts(base.__arguments__, override.__arguments__, path, rule)
            return rebind(base, merged)
    elif isinstance(base, dict) and isinstance(override, dict):
        return _merge_dicts(base, override, path, rule)
    return base if equal(base, override) else rule(format_path(path), base, override)


def _merge_dicts(
    base: dict[Any, Any],
    override: dict[Any, Any],
    path: Path,
    rule: Callable[[str, Any, Any], Any],
) -> dict[Any, Any]:
    merged = dict(base)
    for key, value in override.items():
        merged[key] = _merge(base[key], value, (*path, key), rule) if key in base else value
    return merged
