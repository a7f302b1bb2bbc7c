"""`diff`: what differs between two programs, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from keras_glove.symbolic.equality import equal
from keras_glove.symbolic.formatting import format_program
from keras_glove.symbolic.node import MISSING, Node
from keras_glove.symbolic.path import Path, format_path
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.traversal import children

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
    _diff(left, right, (), entries, set())
    if not entries and not equal(left, right):
        # Equal as trees: what differs is which nodes are shared.
        entries[""] = (left, right)
    return Difference(entries)


def _diff(
    left: Any, right: Any, path: Path, out: dict[str, tuple[Any, Any]], seen: set[tuple[int, int]]
) -> None:
    if left is right:
        return
    if isinstance(left, Node):
        if (id(left), id(right)) in seen:
            return
        seen.add((id(left), id(right)))
    ours, theirs = _inside(left, right), _inside(right, left)
    if ours is None or theirs is None:
        if not equal(left, right):
            out[format_path(path)] = (left, right)
        return
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        a, b = ours.get(key, MISSING), theirs.get(key, MISSING)
        if a is MISSING or b is MISSING:
            out[format_path((*path, key))] = (a, b)
        else:
            _diff(a, b, (*path, key), out, seen)


def _inside(value: Any, other: Any) -> dict[Any, Any] | None:
    """What to compare one by one; None where the two values differ as a whole."""
    if type(value) is not type(other):
        return None
    if isinstance(value, Program) and value.__target__ is not other.__target__:
        return None
    if isinstance(value, Node) and not isinstance(value, Program):
        names = set(value.__children__())
        rest = [{k: v for k, v in n.__fields__().items() if k not in names} for n in (value, other)]
        if not equal(*rest):
            return None
    below = children(value)
    return None if below is None else dict(below)
