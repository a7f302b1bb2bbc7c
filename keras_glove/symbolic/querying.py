"""`query`: find values in a program by path, type or predicate."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MethodType
from typing import Any

from keras_glove.symbolic.path import format_path, path_of
from keras_glove.symbolic.patterns import entries, texts
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.traversal import linked

__all__ = ["missing", "query"]


def query(
    value: Any,
    path: str | re.Pattern[str] | None = None,
    /,
    *,
    type: Any = None,
    where: Callable[[Any], bool] | None = None,
) -> dict[str, Any]:
    """The values of a program that meet all given conditions, by their paths.

    Args:
      value: the program; a node that stands in several places is found at the first.
      path: a pattern for the whole path, in which `*` stands for any one name or index
        and `**` for any number of them; or a compiled regular expression to search for.
      type: a class (or tuple of them): values of it, and programs that make one.
      where: a function of the value.

    >>> from keras_glove.symbolic import program
    >>> net = program(dict, blocks=[program(dict, width=16), program(dict, width=32)])
    >>> query(net, "blocks[*].width")
    {'blocks[0].width': 16, 'blocks[1].width': 32}
    >>> query(net, where=lambda v: v == 32)
    {'blocks[1].width': 32}
    """
    accept = _both(None if type is None else _Kinds(type), where)
    if not isinstance(path, re.Pattern):
        found = entries(value, path, accept)
        names = texts([link for link, _ in found])
        return {name: inner for name, (_, inner) in zip(names, found, strict=True)}
    found = entries(value)
    names = texts([link for link, _ in found])
    return {
        name: inner
        for name, (_, inner) in zip(names, found, strict=True)
        if path.search(name) and (accept is None or accept(inner))
    }


_Predicate = Callable[[Any], Any]


def _both(first: _Predicate | None, second: _Predicate | None) -> _Predicate | None:
    if first is None or second is None:
        return first or second
    return lambda value: first(value) and second(value)


class _Kinds:
    """Whether values are instances of certain classes, or programs that make one."""

    def __init__(self, kinds: Any) -> None:
        listed = kinds if isinstance(kinds, tuple) else (kinds,)
        self._kinds = tuple([getattr(k, "__symbolic_target__", k) for k in listed])
        self._classes = tuple([k for k in self._kinds if isinstance(k, type)])
        self._known: dict[Any, bool] = {}  # by type, or by what a program calls

    def __call__(self, value: Any) -> bool:
        if type(value) is not Program:
            return isinstance(value, self._classes)
        target = value.__target__
        known = self._known.get(target)
        if known is None:
            known = self._known[target] = self._is_made_by(target)
        return known

    def _is_made_by(self, target: Any) -> bool:
        if target in self._kinds or issubclass(Program, self._classes):
            return True
        if isinstance(target, MethodType):  # of a class: a constructor
            target = target.__self__
        return isinstance(target, type) and issubclass(target, self._classes)


def missing(value: Any) -> list[str]:
    """The paths of required arguments that have no value yet, in a program made by `partial`.

    >>> from keras_glove.symbolic import partial, symbolize
    >>> @symbolize
    ... def block(width, depth): ...
    >>> missing([partial(block, width=3)])
    ['[0].depth']
    """
    return [
        format_path((*path_of(link), name))
        for link, inner in linked(value)
        if isinstance(inner, Program)
        for name in signature_of(inner.__target__).missing(inner.__arguments__)
    ]
