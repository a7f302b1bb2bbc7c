"""Programs as trees: what a DNA chose, and what two programs differ in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from keras_glove.hyper import DNA, SearchSpace
from keras_glove.plot.style import BEST, FADED, new_figure, styled
from keras_glove.symbolic import OpenValue
from keras_glove.symbolic.outline import Row, outline

__all__ = ["differences", "tree"]

_MOST = 150
_LONGEST = 64
_INDENT = 0.18
"""Inches."""


class _Line(NamedTuple):
    depth: int
    text: str
    path: str
    lit: bool
    is_open: bool


@styled()
def tree(program: Any, dna: DNA | None = None, *, most: int = _MOST) -> Any:
    """A program as a tree, open values in bold; with a DNA, what it chose is lit.

    Args:
        program: a program or space; for a model `kg.program(model)`.
        dna: of its space.
        most: how many values are drawn.

    Returns:
        The figure.

    Raises:
        DNAError: the DNA is not of this space.

    >>> from keras_glove import plot
    >>> from keras_glove.hyper import DNA, oneof
    >>> figure = plot.tree({"width": oneof([8, 16], name="width")}, DNA((1,)))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['dict of 1', "width: 16  <- oneof([8, 16], name='width')"]
    """
    lines, left = _lines(program, dna, most)
    figure = _sheet([lines], bool(left))
    _draw(figure.axes[0], lines, left, {})
    return figure


@styled()
def differences(first: Any, second: Any, names: tuple[str, str] = ("first", "second")) -> Any:
    """Two programs side by side; what only one of them has, or has otherwise, stands out.

    Args:
        first, second: programs, such as `study.program(trial)` of two trials.
        names: what to call them.

    Returns:
        The figure.
    """
    sides = [_lines(program, None, _MOST, whole=True) for program in (first, second)]
    known = [{line.path: line.text for line in lines} for lines, _ in sides]
    figure = _sheet([lines for lines, _ in sides], any(left for _, left in sides))
    marks = (("-", "~"), ("+", "~"))
    for place, (axes, (lines, left)) in enumerate(zip(figure.axes, sides, strict=True)):
        other, (alone, changed) = known[1 - place], marks[place]
        signs = {
            line.path: alone
            if line.path not in other
            else changed * (other[line.path] != line.text)
            for line in lines
        }
        _draw(axes, lines, left, signs)
        axes.set_title(names[place], fontsize=9, loc="left")
    return figure


def _sheet(columns: Sequence[Sequence[_Line]], more: bool) -> Any:
    """A figure with axes side by side, large enough for lines; a letter is 0.067 inches wide."""
    rows = max(map(len, columns)) + more
    longest = max(
        _INDENT * line.depth + 0.067 * (min(len(line.text), _LONGEST) + 3)
        for lines in columns
        for line in lines
    )
    width = max(2.5, longest)
    figure = new_figure(width * len(columns), 0.5 + 0.21 * rows)
    for place in range(len(columns)):
        axes = figure.add_subplot(1, len(columns), place + 1)
        axes.set(xlim=(0, width), ylim=(0.4 - rows, 0.6))
        axes.axis("off")
    return figure


def _lines(
    program: Any, dna: DNA | None, most: int, *, whole: bool = False
) -> tuple[list[_Line], int]:
    rows = outline(program, whole=whole)
    chosen = None if dna is None else _chosen(program, dna)
    lines = list(_walk(islice(rows, most), chosen))
    return lines, sum(1 for _ in rows)


def _chosen(program: Any, dna: DNA) -> dict[str, set[Any]]:
    """The values that are decided, by the path of the hyper-value."""
    space = SearchSpace(program)
    space.validate(dna)
    found: dict[str, set[Any]] = {}
    for point, value in zip(space.points, dna.values, strict=True):
        if value is not None:
            found.setdefault(point.path, set()).add(value)
    return found


def _walk(rows: Iterator[Row], chosen: Mapping[str, set[Any]] | None) -> Iterator[_Line]:
    above: list[tuple[str, bool, Any]] = []  # path, lit, value of each value that this stands in
    for row in rows:
        del above[row.depth :]
        path, lit, parent = above[-1] if above else ("", True, None)
        if isinstance(parent, OpenValue):
            here = f"{path}.{row.name}" if path else row.name
            if chosen is not None:
                index = int(row.name.removeprefix("candidates").strip("[]"))
                lit = lit and index in chosen.get(path, ())
        else:
            here = path + (row.name if row.name.startswith("[") or not path else f".{row.name}")
        above.append((here, lit, row.value))
        label = row.label
        if chosen is not None and row.kind == "open" and lit and not row.folds:
            told = ", ".join(_told(row.value, value) for value in chosen.get(here, ()))
            label = f"{told}  <- {label}"
        label = f"{row.name}: {label}" if row.name else label
        yield _Line(row.depth, label, here, lit, row.kind == "open")


def _told(value: Any, choice: Any) -> str:
    candidates = getattr(value, "candidates", None)
    return str(choice if candidates is None else candidates[choice])


def _draw(axes: Any, lines: list[_Line], left: int, signs: Mapping[str, str]) -> None:
    trunks: list[int] = []
    for place, line in enumerate(lines):
        del trunks[line.depth :]
        color = "black" if line.lit else "#b0b0b0"
        x = 0.05 + _INDENT * line.depth
        if line.depth:
            style = {"color": color, "linewidth": 1.3 if line.lit else 0.7}
            axes.plot([x - 0.12, x - 0.12, x - 0.02], [-trunks[-1] - 0.4, -place, -place], **style)
        trunks.append(place)
        sign = signs.get(line.path, "")
        text = line.text if len(line.text) <= _LONGEST else f"{line.text[: _LONGEST - 1]}…"
        axes.text(
            x,
            -place,
            f"{sign} {text}" if sign else text,
            color=BEST if sign or (line.is_open and line.lit) else color,
            fontweight="bold" if sign or (line.is_open and line.lit) else "normal",
            fontsize=8,
            family="monospace",
            va="center",
        )
    if left:
        axes.text(0.05, -len(lines), f"... and {left} more values", color=FADED, fontsize=8)
