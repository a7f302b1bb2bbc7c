"""Programs as trees to look at: in a terminal and in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterable
from itertools import islice
from typing import Any

from rich.text import Text
from rich.tree import Tree

from keras_glove.symbolic.node import Node, OpenValue
from keras_glove.symbolic.outline import Row, outline, preview
from keras_glove.symbolic.traversal import children, nodes

__all__ = ["to_html", "tree"]

_STYLES = {"open": "bold magenta", "missing": "bold red", "default": "dim", "again": "italic"}


def tree(value: Any, name: str = "", *, defaults: bool = False) -> Tree:
    """A program as a rich tree, for `rich.print`; open and missing values stand out.

    Args:
      value: a program, a space, or a container of them.
      name: what to call it in the first line.
      defaults: also show the arguments that were not given, with their defaults.

    >>> from rich import print
    >>> from keras_glove.symbolic import program
    >>> print(tree(program(dict, a=[1, 2], b=program(dict, c=program(list)))))
    dict
    ├── a: [1, 2]
    └── b: dict(c=list())
    """
    root, *rows = outline(value, name=name, defaults=defaults)
    branches = [_branch(root)]
    for row in rows:
        branch = _branch(row)
        branches[row.depth - 1].children.append(branch)
        branches[row.depth :] = [branch]
    return branches[0]


def _branch(row: Row) -> Tree:
    key = (f"{row.name}: " if row.name else "", "dim")
    return Tree(Text.assemble(key, (row.label, _STYLES.get(row.kind, ""))))


_CSS = """
.keras-glove{font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:13px;
line-height:1.55;color:var(--jp-content-font-color1,inherit);overflow-x:auto;white-space:nowrap}
.keras-glove details,.keras-glove .row{margin-left:1.2em}
.keras-glove summary{margin-left:-1.2em;cursor:pointer}
.keras-glove .name{font-weight:600}
.keras-glove .key,.keras-glove .again{opacity:.65}
.keras-glove .container,.keras-glove .preview,.keras-glove .default{opacity:.55}
.keras-glove .again{font-style:italic}
.keras-glove details[open]>summary>.folded{display:none}
.keras-glove .open,.keras-glove .missing{font-weight:600;padding:.05em .4em;border-radius:.6em}
.keras-glove .open{color:#9c1458;background:#fce4ef}
.keras-glove .missing{color:#b3261e;background:#fde7e5}
.keras-glove .count{font-size:85%;margin-left:.4em}
""".replace("\n", "")


def to_html(value: Any, *, defaults: bool = False, limit: int = 2000) -> str:
    """A program as an HTML fragment that folds; what Jupyter shows for it.

    Open values stand out; where they are folded away, their number does.

    Args:
      value: a program, a space, or a container of them.
      defaults: also show the arguments that were not given, with their defaults.
      limit: the number of values that are shown.

    >>> from keras_glove.symbolic import program
    >>> "<summary>" in to_html(program(dict, a=1))
    True
    """
    rows = outline(value, defaults=defaults)
    body = "".join(_elements(islice(rows, limit), _open_inside(value)))
    left = sum(1 for _ in rows)
    more = f'<div class="again">... and {left} more values</div>' if left else ""
    return f'<style>{_CSS}</style><div class="keras-glove">{body}{more}</div>'


def _elements(rows: Iterable[Row], counts: dict[int, int]) -> Iterable[str]:
    depth = 0
    for row in rows:
        yield "</details>" * (depth - row.depth)
        depth = row.depth
        text = _text(row)
        if not row.folds:
            yield f'<div class="row">{text}</div>'
            continue
        opened = " open" if depth < 2 else ""
        yield f"<details{opened}><summary>{text}{_folded(row, counts)}</summary>"
        depth += 1
    yield "</details>" * depth


def _text(row: Row) -> str:
    key = f'<span class="key">{html.escape(row.name)}: </span>' if row.name else ""
    name, bracket, rest = row.label.partition("(") if row.kind == "program" else ("", "", row.label)
    bold = f'<span class="name">{html.escape(name)}</span>' if name else ""
    return f'{key}<span class="{row.kind}">{bold}{html.escape(bracket + rest)}</span>'


def _folded(row: Row, counts: dict[int, int]) -> str:
    """What a line says while the values below it are hidden."""
    is_open = isinstance(row.value, OpenValue)
    text = "" if is_open else preview(row.value).removeprefix(row.label)
    shown = f'<span class="folded preview"> {html.escape(text)}</span>' if text else ""
    count = _count(row.value, counts) - is_open
    return shown + (f'<span class="folded count open">{count} open</span>' if count else "")


def _open_inside(value: Any) -> dict[int, int]:
    """How many open values each node holds, itself included."""
    counts: dict[int, int] = {}
    for _, node in nodes(value):
        inside = sum(_count(child, counts) for child in node.__children__().values())
        counts[id(node)] = inside + isinstance(node, OpenValue)
    return counts


def _count(value: Any, counts: dict[int, int]) -> int:
    if isinstance(value, Node):
        return counts[id(value)]
    return sum(_count(child, counts) for _, child in children(value) or ())
