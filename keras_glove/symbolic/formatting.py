"""Programs as text: code that can be read, and pasted back."""

from __future__ import annotations

from typing import Any

from keras_glove.symbolic.node import Node
from keras_glove.symbolic.traversal import SCALARS

__all__ = ["format_program"]

_WIDTH = 88


def format_program(value: Any, *, width: int = _WIDTH) -> str:
    """A program as Python code, in one line where it fits into `width` characters.

    >>> from keras_glove.symbolic import program
    >>> format_program(program(dict, a=[1, program(int, "2")]))
    "dict(a=[1, int('2')])"
    """
    return _format(value, 0, width)


def _format(value: Any, indent: int, width: int) -> str:
    kind = type(value)
    if kind in SCALARS:
        return repr(value)
    if kind is list:
        return _enclosed("[", [("", child) for child in value], "]", indent, width)
    if kind is tuple:
        close = ",)" if len(value) == 1 else ")"
        return _enclosed("(", [("", child) for child in value], close, indent, width)
    if kind is dict:
        items = [(f"{key!r}: ", child) for key, child in value.items()]
        return _enclosed("{", items, "}", indent, width)
    if isinstance(value, Node):
        name, items = value.__call_form__()
        return _enclosed(f"{name}(", items, ")", indent, width)
    if callable(value) and hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    return repr(value)


def _enclosed(start: str, items: list[tuple[str, Any]], end: str, indent: int, width: int) -> str:
    flat = start + ", ".join(p + _format(child, 0, 10**9) for p, child in items) + end
    if len(flat) + indent <= width or not items:
        return flat
    pad = " " * (indent + 4)
    lines = [f"{pad}{p}{_format(child, indent + 4, width)}," for p, child in items]
    return "\n".join([start, *lines, " " * indent + end.removeprefix(",")])
