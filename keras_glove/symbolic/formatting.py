"""Programs as text: in short for `repr`, and as code that makes them again."""

from __future__ import annotations

import keyword
from collections import Counter
from typing import Any

from keras_glove.errors import SerializationError
from keras_glove.symbolic.calling import called_node
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.traversal import SCALARS, children

__all__ = ["format_program", "to_code"]

_WIDTH = 88


def format_program(value: Any, *, width: int = _WIDTH, defaults: bool = False) -> str:
    """A program as it would be called, in one line where it fits into `width` characters.

    Args:
      value: a program or any other value.
      width: characters per line.
      defaults: also show the arguments that were not given, with their defaults.

    >>> from keras_glove.symbolic import program
    >>> format_program(program(dict, a=[1, program(int, "2")]))
    "dict(a=[1, int('2')])"
    """
    return _Formatter(width, defaults).format(value, 0)


class _Formatter:
    def __init__(self, width: int, defaults: bool) -> None:
        self._width = width
        self._defaults = defaults

    def format(self, value: Any, indent: int) -> str:
        kind = type(value)
        if kind in SCALARS:
            return repr(value)
        if kind is list:
            return self._enclosed("[", [("", child) for child in value], "]", indent)
        if kind is tuple:
            close = ",)" if len(value) == 1 else ")"
            return self._enclosed("(", [("", child) for child in value], close, indent)
        if kind is dict:
            items = [(f"{key!r}: ", child) for key, child in value.items()]
            return self._enclosed("{", items, "}", indent)
        if isinstance(value, Node):
            start, items = self._head(value, indent)
            return self._enclosed(f"{start}(", items, ")", indent)
        return self._leaf(value)

    def _head(self, node: Node, indent: int) -> tuple[str, list[tuple[str, Any]]]:
        """What is called, as text, and the arguments."""
        called = called_node(node)
        if called is None:
            return self._call(node)
        arguments = [*node.__call_form__()[1]]
        return self.format(called, indent), arguments[1:]

    def _call(self, node: Node) -> tuple[str, list[tuple[str, Any]]]:
        name, items = node.__call_form__()
        if self._defaults and isinstance(node, Program):
            known = signature_of(node.__target__).defaults
            given = node.__arguments__
            items += [(f"{key}=", v) for key, v in known.items() if key not in given]
        return name, items

    def _leaf(self, value: Any) -> str:
        if callable(value) and hasattr(value, "__qualname__"):
            return str(value.__qualname__)
        return repr(value)

    def _enclosed(self, start: str, items: list[tuple[str, Any]], end: str, indent: int) -> str:
        line = self._one_line(start, items, end)
        if len(line) + indent <= self._width or not items:
            return line
        pad = " " * (indent + 4)
        lines = [f"{pad}{p}{self.format(child, indent + 4)}," for p, child in items]
        return "\n".join([start, *lines, " " * indent + end.removeprefix(",")])

    def _one_line(self, start: str, items: list[tuple[str, Any]], end: str) -> str:
        width, self._width = self._width, 10**9
        try:
            return start + ", ".join(p + self.format(child, 0) for p, child in items) + end
        finally:
            self._width = width


def to_code(value: Any) -> str:
    """Python code that makes an equal program, imports included; its last line is the value.

    Nodes that stand in several places get a name and are made once.

    Raises:
      SerializationError: a leaf that code cannot name, such as an array or a lambda.

    >>> from keras_glove.symbolic import program
    >>> shared = program(dict, a=1)
    >>> print(to_code([shared, shared]))
    import builtins
    import keras_glove as kg
    <BLANKLINE>
    dict_1 = kg.program(builtins.dict, a=1)
    [dict_1, dict_1]
    """
    return _Coder(value).code()


class _Coder(_Formatter):
    def __init__(self, root: Any) -> None:
        super().__init__(_WIDTH, defaults=False)
        self._root = root
        self._modules = {"keras_glove as kg"}
        self._names: dict[int, str] = {}
        self._statements: list[str] = []
        self._used: Counter[str] = Counter()

    def code(self) -> str:
        for node in _shared_nodes(self._root):
            name = self._new_name(node)
            self._statements.append(f"{name} = {self.format(node, 0)}")
            self._names[id(node)] = name
        last = self.format(self._root, 0)
        imports = [f"import {module}" for module in sorted(self._modules)]
        return "\n".join([*imports, "", *self._statements, last])

    def format(self, value: Any, indent: int) -> str:
        return self._names.get(id(value)) or super().format(value, indent)

    def _call(self, node: Node) -> tuple[str, list[tuple[str, Any]]]:
        name, items = node.__call_form__()
        if not isinstance(node, Program):
            return f"kg.{name}", items
        missing = signature_of(node.__target__).missing(node.__arguments__)
        door = "kg.partial" if missing else "kg.program"
        return door, [("", _Verbatim(self._leaf(node.__target__))), *items]

    def _leaf(self, value: Any) -> str:
        if isinstance(value, _Verbatim):
            return value.text
        target = getattr(value, "__symbolic_target__", value)
        qualified = getattr(target, "__qualname__", "<locals>")
        if "<" in qualified or not hasattr(target, "__module__"):
            raise SerializationError(
                f"Expected a class or function of a module, received {value!r}, which code cannot "
                "name. `kg.to_json` keeps arrays; a function needs a `def` at the top of a module."
            )
        self._modules.add(target.__module__)
        return f"{target.__module__}.{qualified}"

    def _new_name(self, node: Node) -> str:
        base = node.__call_form__()[0].lower()
        base = base if base.isidentifier() and not keyword.iskeyword(base) else "node"
        self._used[base] += 1
        return f"{base}_{self._used[base]}"


class _Verbatim:
    def __init__(self, text: str) -> None:
        self.text = text


def _shared_nodes(root: Any) -> list[Node]:
    """The nodes that stand in several places, inner ones first."""
    uses: Counter[int] = Counter()
    order: list[Node] = []

    def visit(value: Any) -> None:
        if isinstance(value, Node):
            uses[id(value)] += 1
            if uses[id(value)] > 1:
                return
        for _, child in children(value) or ():
            visit(child)
        if isinstance(value, Node):
            order.append(value)

    visit(root)
    return [node for node in order if uses[id(node)] > 1]
