"""`diff`: what differs between two programs, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from keras_glove.symbolic.equality import equal
from keras_glove.symbolic.formatting import format_program
from keras_glove.symbolic.node import MISSING, Node
from keras_glove.symbolic.path import Path, format_path
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.traversal import SCALARS, children

__all__ = ["Difference", "diff"]


class Difference(Mapping[str, tuple[Any, Any]]):
    """Paths at which two programs differ, each with the (left, right) values there.

    `MISSING` stands for a value that one side does not have. Empty, and so false, when
    the programs are equal; its text tells the differences in words.
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: dict[str, tuple[Any, Any]]) -> None:
        self._entries = entries

    def __getitem__(self, path: str) -> tuple[Any, Any]:
        return self._entries[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        if not self._entries:
            return "no difference"
        return "\n".join(_words(path, *sides) for path, sides in self._entries.items())


def _words(path: str, left: Any, right: Any) -> str:
    where = path or "the root"
    if left is MISSING:
        return f"{where}: added {format_program(right)}"
    if right is MISSING:
        return f"{where}: removed {format_program(left)}"
    return f"{where}: {format_program(left)} -> {format_program(right)}"


def diff(left: Any, right: Any) -> Difference:
    """Where two programs differ, at the deepest paths that tell it.

    >>> from keras_glove.symbolic import program
    >>> diff(program(dict, a=1, b=[1, 2]), program(dict, a=1, b=[1, 3], c=4))
    b[1]: 2 -> 3
    c: added 4
    """
    entries: dict[str, tuple[Any, Any]] = {}
    _diff(left, right, (), entries)
    difference = Difference(entries)
    if (_shares_nodes(left) or _shares_nodes(right)) and not _leads_to(difference, left, right):
        # The trees agree at these places, but not in which nodes are shared.
        return Difference({"": (left, right)})
    return difference


def _shares_nodes(value: Any) -> bool:
    seen: set[int] = set()
    stack = [value]
    while stack:
        inner = stack.pop()
        if isinstance(inner, Node):
            if id(inner) in seen:
                return True
            seen.add(id(inner))
        stack.extend(child for _, child in children(inner) or ())
    return False


def _leads_to(difference: Difference, left: Any, right: Any) -> bool:
    from keras_glove.symbolic.patching import patch

    return equal(patch(left, difference), right)


def _diff(left: Any, right: Any, path: Path, out: dict[str, tuple[Any, Any]]) -> None:
    if left is right:
        return
    if type(left) in SCALARS or not _comparable(left, right):
        if not equal(left, right):
            out[format_path(path)] = (left, right)
        return
    ours, theirs = dict(children(left) or ()), dict(children(right) or ())
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        a, b = ours.get(key, MISSING), theirs.get(key, MISSING)
        if a is MISSING or b is MISSING:
            out[format_path((*path, key))] = (a, b)
        else:
            _diff(a, b, (*path, key), out)


def _comparable(left: Any, right: Any) -> bool:
    """Whether two values are told apart by what is inside them; else they differ as a whole."""
    kind = type(left)
    if kind is not type(right):
        return False
    if kind is Program:
        return left.__target__ is right.__target__
    # Only what `patch` can change in place; a hyper-value is one definition.
    return kind is list or (kind is dict and _paths_exist(left, right))


def _paths_exist(*dicts: dict[Any, Any]) -> bool:
    return all(type(key) is str or type(key) is int for d in dicts for key in d)
