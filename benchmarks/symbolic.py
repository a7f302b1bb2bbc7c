"""Programs, spaces and DNAs against pyglove, in one run: `python benchmarks/symbolic.py [--quick]`.

A program is a list of layers, as one would write it in either library; its size counts every
value in it, containers too. Times are medians of several runs, in CPU time of this process, so
that what else the machine does counts little. pyglove's classes are its own typed objects
(`pg.members`), its fastest. Targets tell how many times faster ours has to be.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pyglove as pg
import spaces
from rich.console import Console
from rich.table import Table

from keras_glove import symbolic

RUNS = 5
TARGETS = {
    "clone": 50,
    "JSON round trip": 50,
    "diff of equal trees": 50,
    "diff of one leaf": 50,
    "equality": 10,
    "hash": 10,
    "rebind of one leaf": 10,
    "query by predicate": 10,
    "query by path": 10,
}
VALUES_IN_A_LAYER = 9


class Row(NamedTuple):
    """One measurement: seconds for ours and for pyglove's."""

    operation: str
    size: int
    ours: float
    theirs: float
    target: int


@symbolic.symbolize
class Layer:
    """A layer of four arguments."""

    def __init__(self, width: int, kernel: int = 3, act: str = "relu", ops: Any = None) -> None:
        self.width, self.kernel, self.act, self.ops = width, kernel, act, ops


@symbolic.symbolize
class Net:
    """Layers."""

    def __init__(self, layers: list[Any]) -> None:
        self.layers = layers


@pg.members(
    [
        ("width", pg.typing.Int()),
        ("kernel", pg.typing.Int(default=3)),
        ("act", pg.typing.Str(default="relu")),
        ("ops", pg.typing.Any(default=None)),
    ]
)
class TheirLayer(pg.Object):  # type: ignore[misc]
    """The same for pyglove."""


@pg.members([("layers", pg.typing.List(pg.typing.Object(TheirLayer)))])
class TheirNet(pg.Object):  # type: ignore[misc]
    """The same for pyglove."""


def arguments(place: int) -> dict[str, Any]:
    """What each layer is made with."""
    return {"width": place, "kernel": 5, "act": "gelu", "ops": [1, 2, {"rate": 0.5}]}


def our_tree(layers: int) -> Any:
    """A program of so many layers."""
    made = [symbolic.program(Layer, **arguments(place)) for place in range(layers)]
    return symbolic.program(Net, made)


def their_tree(layers: int) -> Any:
    """The same in pyglove."""
    return TheirNet(layers=[TheirLayer(**arguments(place)) for place in range(layers)])


def ours(layers: int) -> dict[str, Callable[[], Any]]:
    """Our operations."""
    tree = our_tree(layers)
    copied, other = symbolic.clone(tree), symbolic.clone(tree)
    leaf, numbers = f"layers[{layers // 2}].width", itertools.count()
    symbolic.rebind(other, leaf, -1)
    changing = symbolic.clone(tree)
    return {
        "clone": lambda: symbolic.clone(tree),
        "JSON round trip": lambda: symbolic.from_json(
            json.loads(json.dumps(symbolic.to_json(tree)))
        ),
        "diff of equal trees": lambda: symbolic.diff(tree, copied),
        "diff of one leaf": lambda: symbolic.diff(tree, other),
        "equality": lambda: tree == copied,
        "hash": lambda: hash(tree),
        "rebind of one leaf": lambda: symbolic.rebind(changing, {leaf: next(numbers)}),
        "query by predicate": lambda: symbolic.query(tree, where=lambda value: value == 2),
        "query by path": lambda: symbolic.query(tree, "**.kernel"),
    }


def theirs(layers: int) -> dict[str, Callable[[], Any]]:
    """The operations of pyglove."""
    tree = their_tree(layers)
    copied, other = tree.clone(deep=True), tree.clone(deep=True)
    leaf, numbers = f"layers[{layers // 2}].width", itertools.count()
    other.rebind({leaf: -1})
    changing = tree.clone(deep=True)
    return {
        "clone": lambda: tree.clone(deep=True),
        "JSON round trip": lambda: pg.from_json_str(tree.to_json_str()),
        "diff of equal trees": lambda: pg.diff(tree, copied),
        "diff of one leaf": lambda: pg.diff(tree, other),
        "equality": lambda: pg.eq(tree, copied),
        "hash": lambda: pg.hash(tree),
        "rebind of one leaf": lambda: changing.rebind({leaf: next(numbers)}),
        "query by predicate": lambda: pg.query(tree, where=lambda value: value == 2),
        "query by path": lambda: pg.query(tree, r".*\.kernel"),
    }


def seconds(operation: Callable[[], Any], budget: float = 0.05) -> float:
    """The median time of one call, over several runs that take about the budget each."""
    operation()
    gc.collect()
    taken = _time(operation, 1)
    number = max(1, int(budget / max(taken, 1e-7)))
    return statistics.median(_time(operation, number) for _ in range(RUNS))


def _time(operation: Callable[[], Any], number: int) -> float:
    start = time.process_time()
    for _ in range(number):
        operation()
    return (time.process_time() - start) / number


def sizes(quick: bool) -> tuple[int, ...]:
    """The sizes of trees that are measured, in values."""
    return (100, 1_000) if quick else (100, 1_000, 10_000)


def tree_rows(quick: bool) -> list[Row]:
    """The operations on trees, each at every size."""
    found: dict[str, list[Row]] = {operation: [] for operation in TARGETS}
    for size in sizes(quick):
        layers = size // VALUES_IN_A_LAYER
        mine, other = ours(layers), theirs(layers)
        for operation, target in TARGETS.items():
            times = seconds(mine[operation]), seconds(other[operation])
            found[operation].append(Row(operation, size, *times, target))
    return [row for rows in found.values() for row in rows]


def space_rows(quick: bool) -> list[Row]:
    """The operations on spaces and DNAs, as `spaces` measures them."""
    return [Row(*row, spaces.TARGETS[row[0]]) for row in spaces.rows(quick)]


def shown(title: str, rows: list[Row]) -> Table:
    """The table of some rows; one that falls short of its target is marked."""
    table = Table(title=title, title_justify="left")
    table.add_column("operation")
    for name in ("size", "ours, ms", "pyglove, ms", "times faster", "target", ""):
        table.add_column(name, justify="right")
    for row in rows:
        times = row.theirs / row.ours
        short = times < row.target
        table.add_row(
            row.operation,
            f"{row.size:,}",
            f"{row.ours * 1e3:.4f}",
            f"{row.theirs * 1e3:.2f}",
            f"{times:,.1f}",
            f"{row.target:,}",
            "short" if short else "",
            style="bold red" if short else None,
        )
    return table


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the largest size")
    parser.add_argument("--trees", action="store_true", help="without spaces and DNAs")
    options = parser.parse_args()
    console = Console(width=100)
    console.print(shown("Trees", tree_rows(options.quick)))
    if not options.trees:
        console.print(shown("Spaces and DNAs", space_rows(options.quick)))


if __name__ == "__main__":
    main()
