"""`diff`: what differs between two programs, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from keras_glove.symbolic.equality import ATOMS, equal
from keras_glove.symbolic.formatting import format_program
from keras_glove.symbolic.node import MISSING, Node
from keras_glove.symbolic.path import Link
from keras_glove.symbolic.patterns import texts
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
    if equal(left, right):
        return Difference({})
    found = _differences(left, right)
    names = texts([link for link, _ in found])
    difference = Difference({name: sides for name, (_, sides) in zip(names, found, strict=True)})
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


_Sides = tuple[Any, Any]


def _differences(left: Any, right: Any) -> list[tuple[Link, _Sides]]:
    """Where two values differ, in the order in which they are read."""
    found: list[tuple[Link, _Sides]] = []
    met: set[tuple[int, int]] = set()
    todo: list[tuple[Link, Any, Any]] = [(None, left, right)]
    while todo:
        link, a, b = todo.pop()
        if not _comparable(a, b):
            if not equal(a, b):
                found.append((link, (a, b)))
            continue
        if isinstance(a, Node):
            if (id(a), id(b)) in met:
                continue
            met.add((id(a), id(b)))
        todo += reversed(_below(link, a, b))
    return found


def _below(link: Link, a: Any, b: Any) -> list[tuple[Link, Any, Any]]:
    """What stands in either of two comparable values and is not plainly the same."""
    ours, theirs = _parts(a), _parts(b)
    below: list[tuple[Link, Any, Any]] = []
    for key, x in ours.items():
        y = theirs.get(key, MISSING)
        if type(x) not in ATOMS or type(x) is not type(y) or x != y:
            below.append(((link, key), x, y))
    below += [((link, key), MISSING, y) for key, y in theirs.items() if key not in ours]
    return below


def _parts(value: Any) -> dict[Any, Any]:
    if isinstance(value, Node):
        return value.__children__()
    return value if type(value) is dict else dict(enumerate(value))


def _comparable(a: Any, b: Any) -> bool:
    """Whether two values are told apart by what is inside them; else they differ as a whole."""
    kind = type(a)
    if kind is not type(b):
        return False
    if kind is Program:
        return bool(a.__target__ == b.__target__)
    if kind is dict:
        return _paths_exist(a, b)
    if kind is tuple:
        return len(a) == len(b)
    # A hyper-value is one definition, in which only programs can be changed.
    return kind is list or (isinstance(a, Node) and _alike(a.__fields__(), b.__fields__()))


def _alike(a: Any, b: Any) -> bool:
    """Whether two values are the same but for the arguments of programs in them."""
    kind = type(a)
    if kind is Program and type(b) is Program:
        return bool(a.__target__ == b.__target__)
    below = children(a)
    if below is None or kind is not type(b):
        return equal(a, b)
    mine, theirs = dict(below), dict(children(b) or ())
    return mine.keys() == theirs.keys() and all(_alike(v, theirs[k]) for k, v in mine.items())


def _paths_exist(*dicts: dict[Any, Any]) -> bool:
    return all(type(key) is str or type(key) is int for d in dicts for key in d)
