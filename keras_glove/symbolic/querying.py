"""`query`: find values in a program by path, type or predicate."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from keras_glove.symbolic.path import Path, format_path, parse_path
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.traversal import children, walk

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
    kinds = tuple(_real(kind) for kind in (type if isinstance(type, tuple) else (type,)))
    found = {}
    for keys, inner in _candidates(value, path):
        if type is not None and not _is_a(inner, kinds):
            continue
        if where is None or where(inner):
            found[format_path(keys)] = inner
    return found


def _real(kind: Any) -> Any:
    return getattr(kind, "__symbolic_target__", kind)


def _is_a(value: Any, kinds: tuple[Any, ...]) -> bool:
    if isinstance(value, kinds):
        return True
    if not isinstance(value, Program):
        return False
    target = value.__target__
    return target in kinds or (isinstance(target, type) and issubclass(target, kinds))


def _candidates(value: Any, path: str | re.Pattern[str] | None) -> Iterator[tuple[Path, Any]]:
    if path is None:
        return walk(value)
    if isinstance(path, re.Pattern):
        return ((keys, v) for keys, v in walk(value) if path.search(format_path(keys)))
    steps = _steps(path)
    if _ANY_DEPTH in steps:
        return ((keys, v) for keys, v in walk(value) if _matches(keys, steps))
    return _descend(value, steps, ())


_ANY, _ANY_DEPTH = object(), object()


def _steps(pattern: str) -> list[Any]:
    """A pattern as a list of keys, `_ANY` and `_ANY_DEPTH`."""
    # The stars become names that no path has, so that one parser reads both.
    named = pattern.replace("**", "__any_depth__").replace("[*]", "['__any__']")
    named = re.sub(r"(?<![^.])\*(?![^.\[])", "__any__", named)
    special = {"__any_depth__": _ANY_DEPTH, "__any__": _ANY}
    return [special.get(str(key), key) for key in parse_path(named)]


def _descend(value: Any, steps: list[Any], above: Path) -> Iterator[tuple[Path, Any]]:
    if not steps:
        yield above, value
        return
    for key, child in children(value) or ():
        if steps[0] is _ANY or steps[0] == key:
            yield from _descend(child, steps[1:], (*above, key))


def _matches(keys: Path, steps: list[Any]) -> bool:
    if not steps:
        return not keys
    if steps[0] is _ANY_DEPTH:
        return any(_matches(keys[start:], steps[1:]) for start in range(len(keys) + 1))
    return bool(keys) and steps[0] in (_ANY, keys[0]) and _matches(keys[1:], steps[1:])


def missing(value: Any) -> list[str]:
    """The paths of required arguments that have no value yet, in a program made by `partial`.

    >>> from keras_glove.symbolic import partial, symbolize
    >>> @symbolize
    ... def block(width, depth): ...
    >>> missing([partial(block, width=3)])
    ['[0].depth']
    """
    return [
        format_path((*keys, name))
        for keys, inner in walk(value)
        if isinstance(inner, Program)
        for name in signature_of(inner.__target__).missing(inner.__arguments__)
    ]
