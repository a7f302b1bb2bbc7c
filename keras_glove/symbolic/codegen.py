"""`to_code`: Python code that makes a program again."""

from __future__ import annotations

import enum
import keyword
import math
from collections import Counter
from typing import Any

import numpy as np

from keras_glove.symbolic.calling import called_node
from keras_glove.symbolic.formatting import WIDTH, Formatter, Parts
from keras_glove.symbolic.imports import Imports
from keras_glove.symbolic.node import MISSING, Node
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.traversal import children, nodes

__all__ = ["to_code"]

_LEVELS = 8
"""Programs that hold more levels of programs get a name, and a line of their own."""
_MOST = 1000
"""Numbers of an array that code writes out."""


def to_code(value: Any, *, imports: bool = True) -> str:
    """Python code that makes an equal program; its last line is the value.

    Programs that stand in several places, and those that hold many levels of others, get a name
    and are made in a line of their own.

    Args:
      value: a program, a space, or a container of them.
      imports: begin with the imports that the code needs. What `__main__` defines needs none.

    Raises:
      SerializationError: a leaf that code cannot name, such as a lambda or a live object.

    >>> from keras_glove.symbolic import program
    >>> shared = program(dict, a=1)
    >>> print(to_code([shared, shared]))
    import keras_glove as kg
    <BLANKLINE>
    dict_1 = kg.program(dict, a=1)
    [dict_1, dict_1]
    """
    coder = _Coder()
    body = coder.body(value)
    return "\n".join([*coder.imports.lines(), "", *body]) if imports else "\n".join(body)


class _Coder(Formatter):
    def __init__(self) -> None:
        super().__init__(WIDTH, defaults=False, depth=10**9)
        self.imports = Imports()
        self._names: dict[int, str] = {}

    def body(self, root: Any) -> list[str]:
        """The statements, of which the last is the value."""
        statements = []
        for node in _named(root):
            name = self._new_name(node)
            statements.append(f"{name} = {self.format(node, 0, len(name) + 3)}")
            self._names[id(node)] = name
        return [*statements, self.format(root, 0)]

    def _parts(self, value: Any, indent: int | None) -> Parts | None:
        if id(value) in self._names:
            return None
        if isinstance(value, Node):
            return super()._parts(value, indent)
        parts = super()._parts(value, indent)
        if parts is None and isinstance(value, tuple) and hasattr(value, "_fields"):
            items = [(f"{name}=", getattr(value, name)) for name in value._fields]
            return f"{self.imports.name(type(value))}(", items, ")"
        if type(value) is dict:
            keys = {key: self._leaf(key) if type(key) is float else repr(key) for key in value}
            return "{", [(f"{keys[key]}: ", child) for key, child in value.items()], "}"
        return parts

    def _call(self, node: Node) -> tuple[str, list[tuple[str, Any]]]:
        name, items = node.__call_form__()
        if type(node) is not Program:
            return self.imports.name_of_ours(name), items
        if any(prefix == "*" for prefix, _ in items):
            return self._call_with_open_rest(node)
        gaps = any(value is MISSING for _, value in items)
        items = [item for item in items if item[1] is not MISSING]
        rest = [("", _Verbatim(self.imports.name(node.__target__))), *items]
        door = self.imports.name_of_ours("partial" if gaps else "program")
        return door, rest

    def _call_with_open_rest(self, node: Program) -> tuple[str, list[tuple[str, Any]]]:
        """Code cannot unpack a hyper-value that stands for all positional arguments."""
        name = signature_of(node.__target__).var_positional or ""
        others = {n: v for n, v in node.__arguments__.items() if n != name}
        rest = (f"{name}=", node.__arguments__[name])
        return self.imports.name_of_ours("rebind"), [("", Program(node.__target__, others)), rest]

    def _leaf(self, value: Any) -> str:
        known = self._names.get(id(value))
        if known is not None:
            return known
        if isinstance(value, _Verbatim):
            return value.text
        kind = type(value)
        if kind is float and not math.isfinite(value):
            return f"float({str(value)!r})"
        if kind is complex:
            return f"complex({self._leaf(value.real)}, {self._leaf(value.imag)})"
        if kind in (type(None), bool, int, float, str, bytes):
            return repr(value)
        if isinstance(value, enum.Enum):
            return f"{self.imports.name(kind)}[{value.name!r}]"
        if isinstance(value, np.ndarray) and value.size <= _MOST and value.dtype.kind in "biufc":
            return self._array(value)
        return self.imports.name(value)

    def _array(self, value: np.ndarray[Any, Any]) -> str:
        flat = ", ".join(map(self._leaf, value.ravel().tolist()))
        array = f"{self.imports.name(np.array)}([{flat}], dtype={value.dtype.str!r})"
        return array if value.ndim == 1 else f"{array}.reshape({value.shape!r})"

    def _new_name(self, node: Node) -> str:
        made = called_node(node) or node
        base = made.__call_form__()[0].lower()
        base = base if base.isidentifier() and not keyword.iskeyword(base) else "node"
        return self.imports.new_name(base)


class _Verbatim:
    def __init__(self, text: str) -> None:
        self.text = text


def _named(root: Any) -> list[Node]:
    """The nodes that get a line of their own, inner ones first."""
    order = nodes(root)
    uses: Counter[int] = Counter()
    for value in [[root], *(node for _, node in order)]:
        uses.update(id(inner) for inner in _direct(value))
    heights: dict[int, int] = {}
    named = []
    for _, node in order:
        height = 1 + max((heights[id(inner)] for inner in _direct(node)), default=0)
        if node is not root and (uses[id(node)] > 1 or height >= _LEVELS):
            named.append(node)
            height = 0
        heights[id(node)] = height
    return named


def _direct(value: Any) -> list[Node]:
    """The nodes in a value that stand in no other node there."""
    found: list[Node] = []
    for _, child in children(value) or ():
        found += [child] if isinstance(child, Node) else _direct(child)
    return found
