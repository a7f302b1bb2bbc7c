"""Programs as trees to look at: in a terminal and in a notebook."""

from __future__ import annotations

import html
from typing import Any

from rich.text import Text
from rich.tree import Tree

from keras_glove.symbolic.formatting import format_program
from keras_glove.symbolic.node import Node, OpenValue
from keras_glove.symbolic.path import Key, format_path
from keras_glove.symbolic.traversal import children, is_leaf

__all__ = ["to_html", "tree"]


def tree(value: Any, name: str = "") -> Tree:
    """A program as a rich tree, for `rich.print`; open values stand out.

    >>> from rich import print
    >>> from keras_glove.symbolic import program
    >>> print(tree(program(dict, a=[1, 2])))
    dict
    └── a: list of 2
        ├── [0]: 1
        └── [1]: 2
    """
    return _grown(value, name, set())


def _grown(value: Any, name: str, seen: set[int]) -> Tree:
    label, below = _entry(value, seen)
    style = "bold magenta" if isinstance(value, OpenValue) else ""
    node = Tree(Text.assemble((f"{name}: " if name else "", "dim"), (label, style)))
    for key, child in below:
        node.children.append(_grown(child, _name(key), seen))
    return node


def _name(key: Key) -> str:
    return format_path((key,))


def _entry(value: Any, seen: set[int]) -> tuple[str, list[tuple[Key, Any]]]:
    """What one line says of a value, and what stands below it."""
    if is_leaf(value):
        return format_program(value), []
    below = children(value) or []
    if not isinstance(value, Node):
        return f"{type(value).__name__} of {len(below)}", below
    name, _ = value.__call_form__()
    if id(value) in seen:
        return f"{name} (the one above)", []
    seen.add(id(value))
    if isinstance(value, OpenValue):
        names = dict(below)
        rest = ", ".join(
            f"{k}={format_program(v)}"
            for k, v in value.__fields__().items()
            if k not in names and v is not None
        )
        return (f"{name}({rest})" if rest else name), below
    return name, below


_STYLE = (
    "<style>.keras-glove{font-family:monospace;line-height:1.5}"
    ".keras-glove details{margin-left:1.2em}.keras-glove summary{margin-left:-1.2em;cursor:pointer}"
    ".keras-glove .leaf{margin-left:1.2em}.keras-glove .key{opacity:.75}"
    ".keras-glove .open{font-weight:bold;color:#a3195b;background:#fce9f1;padding:0 .3em;"
    "border-radius:.2em}</style>"
)


def to_html(value: Any) -> str:
    """A program as an HTML fragment that folds; what Jupyter shows for it.

    >>> from keras_glove.symbolic import program
    >>> "<summary>" in to_html(program(dict, a=1))
    True
    """
    return f'{_STYLE}<div class="keras-glove">{_html(value, "", set(), depth=0)}</div>'


def _html(value: Any, name: str, seen: set[int], depth: int) -> str:
    label, below = _entry(value, seen)
    key = f'<span class="key">{html.escape(name)}: </span>' if name else ""
    style = ' class="open"' if isinstance(value, OpenValue) else ""
    text = f"{key}<span{style}>{html.escape(label)}</span>"
    if not below:
        return f'<div class="leaf">{text}</div>'
    inside = "".join(_html(child, _name(k), seen, depth + 1) for k, child in below)
    return f"<details{' open' if depth < 2 else ''}><summary>{text}</summary>{inside}</details>"
