"""`diff`: what differs between two programs, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from keras_glove.symbolic.equality import ATOMS, equal
from keras_glove.symbolic.formatting import format_program
from keras_glove.symbolic.node import MISSING, Node
from keras_glove.symbolic.path import Link
from keras_glove.symbolic.patterns import texts
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
    if equal(left, right):
        return Difference({})
    found, shares = _Walk().over(left, right)
    names = texts([link for link, _ in found])
    difference = Difference({name: sides for name, (_, sides) in zip(names, found, strict=True)})
    if shares and not _leads_to(difference, left, right):
        # The trees agree at these places, but not in which nodes are shared.
        return Difference({"": (left, right)})
    return difference


def _leads_to(difference: Difference, left: Any, right: Any) -> bool:
    from keras_glove.symbolic.patching import patch

    return equal(patch(left, difference), right)


_Sides = tuple[Any, Any]
_Todo = list[tuple[Link, Any, Any]]


class _Walk:
    """Over two values at once: where they differ, and whether either shares nodes."""

    def __init__(self) -> None:
        self._found: list[tuple[Link, _Sides]] = []
        self._met: tuple[set[int], set[int]] = (set(), set())
        self._pairs: set[tuple[int, int]] = set()
        self._shares = False

    def over(self, left: Any, right: Any) -> tuple[list[tuple[Link, _Sides]], bool]:
        """The differences, in the order in which they are read; and whether nodes are shared."""
        todo: _Todo = [(None, left, right)]
        while todo:
            link, a, b = todo.pop()
            kind = type(a)
            if kind is list and type(b) is list:
                below = enumerate(zip_longest(a, b, fillvalue=MISSING))
                todo += reversed([((link, i), x, y) for i, (x, y) in below if not _same(x, y)])
            elif not _comparable(a, b):
                if not equal(a, b):
                    self._found.append((link, (a, b)))
                self._note(a, 0)
                self._note(b, 1)
            elif not isinstance(a, Node) or self._enter(a, b):
                todo += reversed(_below(link, _parts(a), _parts(b)))
        return self._found, self._shares

    def _enter(self, a: Node, b: Node) -> bool:
        """Whether two nodes were not compared before."""
        left, right = self._met
        if id(a) not in left and id(b) not in right:
            left.add(id(a))
            right.add(id(b))
            self._pairs.add((id(a), id(b)))
            return True
        self._shares = True
        if (id(a), id(b)) in self._pairs:
            return False
        self._pairs.add((id(a), id(b)))
        return True

    def _note(self, value: Any, side: int) -> None:
        """Notes the nodes of a value that is not compared further."""
        met, stack = self._met[side], [value]
        while stack:
            inner = stack.pop()
            if isinstance(inner, Node):
                if id(inner) in met:
                    self._shares = True
                    continue
                met.add(id(inner))
            stack += [child for _, child in children(inner) or () if type(child) not in SCALARS]


def _same(x: Any, y: Any) -> bool:
    """Whether two values are plainly the same."""
    kind = type(x)
    return kind in SCALARS and (x is y or (kind is type(y) and kind in ATOMS and x == y))


def _below(link: Link, ours: dict[Any, Any], theirs: dict[Any, Any]) -> _Todo:
    """What stands in either of two comparable values and is not plainly the same."""
    if ours.keys() == theirs.keys():
        below = [((link, key), x, theirs[key]) for key, x in ours.items()]
    else:
        below = [((link, key), x, theirs.get(key, MISSING)) for key, x in ours.items()]
        below += [((link, key), MISSING, y) for key, y in theirs.items() if key not in ours]
    return [(place, x, y) for place, x, y in below if not _same(x, y)]


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
