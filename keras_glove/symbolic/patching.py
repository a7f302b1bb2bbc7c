"""`patch`: a program made from another one and a difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_glove.errors import PathError
from keras_glove.symbolic.copying import clone
from keras_glove.symbolic.editing import Edit
from keras_glove.symbolic.equality import equal
from keras_glove.symbolic.node import MISSING
from keras_glove.symbolic.origin import note_changes
from keras_glove.symbolic.path import Key, Path, format_path, parse_path
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.rebinding import get, in_order

__all__ = ["patch"]


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
    note_changes(edit.root, "patch", [(text, new) for text, (_, new) in difference.items()])
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
