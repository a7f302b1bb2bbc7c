"""`query`: find values in a program by path, type or predicate."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from keras_glove.symbolic.path import format_path
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.traversal import walk

__all__ = ["query"]


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
    matches = _path_matcher(path)
    kinds = tuple(_real(kind) for kind in (type if isinstance(type, tuple) else (type,)))
    found = {}
    for keys, inner in walk(value):
        text = format_path(keys)
        if not matches(text) or (type is not None and not _is_a(inner, kinds)):
            continue
        if where is None or where(inner):
            found[text] = inner
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


def _path_matcher(pattern: str | re.Pattern[str] | None) -> Callable[[str], bool]:
    if pattern is None:
        return lambda _: True
    if isinstance(pattern, re.Pattern):
        return lambda text: pattern.search(text) is not None
    compiled = _compile(pattern)
    # A leading dot for each first name lets `**` swallow whole steps only.
    return lambda text: compiled.fullmatch(_stepped(text)) is not None


def _stepped(text: str) -> str:
    return text if not text or text.startswith("[") else f".{text}"


def _compile(pattern: str) -> re.Pattern[str]:
    step = r"(?:\.\w+|\[[^\]]*\])"
    parts = re.split(r"(\.?\*\*|\.\*(?!\*)|\[\*\])", _stepped(pattern))
    names = {"[*]": r"\[[^\]]*\]", ".*": step}
    return re.compile(
        "".join(
            f"{step}*" if part.endswith("**") else names.get(part, re.escape(part))
            for part in parts
        )
    )
