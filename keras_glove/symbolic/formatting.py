"""Programs as text, as they would be called."""

from __future__ import annotations

import math
from typing import Any

from keras_glove.symbolic.calling import called_node
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.program import Program, call_items
from keras_glove.symbolic.traversal import SCALARS

__all__ = ["WIDTH", "Formatter", "format_program"]

WIDTH = 88
_DEPTH = 30
_DEEPEST = 100
_NARROWEST = 30


def format_program(
    value: Any, *, width: int = WIDTH, defaults: bool = False, depth: int = _DEPTH
) -> str:
    """A program as it would be called, in one line where it fits into `width` characters.

    Required arguments that have no value yet are shown as MISSING.

    Args:
      value: a program or any other value.
      width: characters per line.
      defaults: also show the arguments that were not given, with their defaults.
      depth: levels of nesting that are shown, 100 at most; what is deeper reads `...`.

    >>> from keras_glove.symbolic import program
    >>> format_program(program(dict, a=[1, program(int, "2")]))
    "dict(a=[1, int('2')])"
    """
    return Formatter(width, defaults, min(depth, _DEEPEST)).format(value, 0)


Parts = tuple[str, list[tuple[str, Any]], str]
"""How a value that holds others reads: what it begins with, what stands in it, how it ends."""


class Formatter:
    """Writes values, each in one line where that fits."""

    def __init__(self, width: int, defaults: bool, depth: int) -> None:
        self._width = width
        self._defaults = defaults
        self._depth = depth  # levels that may still be entered

    def format(self, value: Any, indent: int, used: int = 0) -> str:
        """The text of a value; `used` characters of its first and last line are taken."""
        line = self._line(value, max(self._width - indent - used, _NARROWEST))
        if line is not None:
            return line
        parts = self._parts(value, indent)
        if parts is None or not parts[1] or not self._depth:
            return self._line(value, math.inf) or ""
        start, items, end = parts  # of several lines, so what is called may take some, too
        self._depth -= 1
        pad = " " * (indent + 4)
        lines = [f"{pad}{p}{self.format(v, indent + 4, len(p) + 1)}," for p, v in items]
        self._depth += 1
        return "\n".join([start, *lines, " " * indent + end.removeprefix(",")])

    def _line(self, value: Any, room: float) -> str | None:
        """The text in one line; None where it needs more room."""
        parts = self._parts(value, None)
        if parts is None:
            leaf = self._leaf(value)
            return leaf if len(leaf) <= room else None
        start, items, end = parts
        if items and not self._depth:
            return f"{start}...{end}"
        self._depth -= 1
        texts = []
        left = room - len(start) - len(end)
        for prefix, child in items:
            text = self._line(child, left - len(prefix)) if left >= 0 else None
            if text is None:
                break
            texts.append(prefix + text)
            left -= len(prefix) + len(text) + 2
        self._depth += 1
        fits = len(texts) == len(items) and left >= -2
        return start + ", ".join(texts) + end if fits else None

    def _parts(self, value: Any, indent: int | None) -> Parts | None:
        """The parts of a value, None for a leaf; with an indent, what is called may take lines."""
        kind = type(value)
        if kind in SCALARS:
            return None
        if kind is list:
            return "[", [("", child) for child in value], "]"
        if kind is tuple:
            return "(", [("", child) for child in value], ",)" if len(value) == 1 else ")"
        if kind is dict:
            return "{", [(f"{key!r}: ", child) for key, child in value.items()], "}"
        if not isinstance(value, Node):
            return None
        called = called_node(value)
        if called is None:
            name, items = self._call(value)
            return f"{name}(", items, ")"
        start = self._line(called, math.inf) if indent is None else None
        return f"{start or self.format(called, indent or 0)}(", self._items(value)[1:], ")"

    def _call(self, node: Node) -> tuple[str, list[tuple[str, Any]]]:
        name, items = node.__call_form__()
        return name, self._items(node) if self._defaults else items

    def _items(self, node: Node) -> list[tuple[str, Any]]:
        if type(node) is Program:
            return call_items(node, defaults=self._defaults)
        return node.__call_form__()[1]

    def _leaf(self, value: Any) -> str:
        if callable(value) and hasattr(value, "__qualname__"):
            return str(value.__qualname__)
        return repr(value)
