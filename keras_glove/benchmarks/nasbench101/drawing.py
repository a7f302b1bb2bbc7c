"""Pictures of cells, as SVG and as the text that Graphviz reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from keras_glove.benchmarks.nasbench101.cells import Cell

__all__ = ["Drawing"]

_COLOURS = {"input": "#e8e8e8", "output": "#e8e8e8"}
_KINDS = (("conv3x3", "#c9dcf5"), ("conv1x1", "#d5efd0"), ("maxpool", "#f9dcc0"))
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 124, 34, 36, 30  # pixels


class Drawing:
    """The pruned graph of a cell, from the input at the left to the output at the right.

    Args:
        cell: any valid cell.

    Attributes:
        svg: the picture, a document of its own.

    Raises:
        OutOfDomainError: if the cell is not valid.

    >>> from keras_glove.benchmarks.nasbench101.cells import Cell
    >>> print(Cell([[0, 1], [0, 0]], ["input", "output"]).draw().dot)
    digraph cell {
      rankdir=LR
      0 [label="input" shape=box]
      1 [label="output" shape=box]
      0 -> 1
    }
    """

    def __init__(self, cell: Cell) -> None:
        self._parents = cell.graph
        self._operations = cell.operations or ()
        self._places = self._lay_out()
        self.svg = "\n".join(self._elements())

    @property
    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        names = enumerate(self._operations)
        lines = [f'  {v} [label="{name}" shape=box]' for v, name in names]
        lines += [f"  {x} -> {y}" for x, y in self._edges()]
        return "\n".join(["digraph cell {", "  rankdir=LR", *lines, "}"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture to a file, whose name should end in ".svg"."""
        Path(path).write_text(self.svg, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg

    def _edges(self) -> Iterator[tuple[int, int]]:
        for y, mask in enumerate(self._parents):
            for x in range(y):
                if mask >> x & 1:
                    yield x, y

    def _lay_out(self) -> list[tuple[float, float]]:
        """The middle of each vertex; the longest way from the input tells its column."""
        columns: list[list[int]] = []
        column_of: list[int] = []
        for y, mask in enumerate(self._parents):
            column = max([column_of[x] + 1 for x in range(y) if mask >> x & 1], default=0)
            column_of.append(column)
            columns += [[] for _ in range(column + 1 - len(columns))]
            columns[column].append(y)
        tallest = max(map(len, columns))
        middle = 12 + (tallest * (_HEIGHT + _GAP_Y) + _GAP_Y) / 2
        places = [(0.0, 0.0)] * len(self._parents)
        for number, column_vertices in enumerate(columns):
            x = 12 + _WIDTH / 2 + number * (_WIDTH + _GAP_X)
            for row, vertex in enumerate(column_vertices):
                offset = row - (len(column_vertices) - 1) / 2
                places[vertex] = (x, middle + offset * (_HEIGHT + _GAP_Y))
        return places

    def _elements(self) -> Iterator[str]:
        width = max(x for x, _ in self._places) + _WIDTH / 2 + 12
        height = max(y for _, y in self._places) + _HEIGHT / 2 + _GAP_Y + 12
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
            'font-family="sans-serif" font-size="12">'
        )
        yield (
            '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" '
            'orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>'
        )
        for start, end in self._edges():
            yield f'<path d="{self._curve(start, end)}" {_LINE}/>'
        for vertex, name in enumerate(self._operations):
            yield self._box(vertex, name)
        yield "</svg>"

    def _curve(self, start: int, end: int) -> str:
        """From the right of one box to the left of another, around the boxes in between."""
        (x0, y0), (x1, y1) = self._places[start], self._places[end]
        x0, x1 = x0 + _WIDTH / 2, x1 - _WIDTH / 2
        if x1 - x0 <= _GAP_X:
            return f"M{x0:g} {y0:g}C{x0 + 20:g} {y0:g} {x1 - 20:g} {y1:g} {x1:g} {y1:g}"
        over = max(y0, y1) + (_HEIGHT + _GAP_Y) * 0.95 * (1 if start % 2 == 0 else -1)
        if start % 2:
            over += min(y0, y1) - max(y0, y1)
        return f"M{x0:g} {y0:g}C{x0 + 50:g} {over:g} {x1 - 50:g} {over:g} {x1:g} {y1:g}"

    def _box(self, vertex: int, name: str) -> str:
        x, y = self._places[vertex]
        colour = next((c for kind, c in _KINDS if name.startswith(kind)), _COLOURS.get(name))
        return (
            f'<rect x="{x - _WIDTH / 2:g}" y="{y - _HEIGHT / 2:g}" width="{_WIDTH}" '
            f'height="{_HEIGHT}" rx="6" fill="{colour}" stroke="#555"/>'
            f'<text x="{x:g}" y="{y + 4:g}" text-anchor="middle">{escape(name)}</text>'
        )


_LINE = 'fill="none" stroke="#555" stroke-width="1.4" marker-end="url(#tip)"'
