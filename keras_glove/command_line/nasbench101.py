"""`keras-glove nasbench101 convert|info|query|search`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.table import Table

from keras_glove.benchmarks.nasbench101 import (
    SETTINGS,
    Cell,
    NASBench,
    compare,
    convert,
    digits_table,
    find_setting,
)
from keras_glove.benchmarks.nasbench101.columns import Columns
from keras_glove.benchmarks.nasbench101.conversion import open_table, table_path
from keras_glove.command_line.output import Output, add_json_option
from keras_glove.errors import CellError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the actions and their arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (purpose, add, perform) in _ACTIONS.items():
        action = actions.add_parser(name, help=purpose, description=f"{purpose}.")
        add_json_option(action)
        add(action)
        action.set_defaults(perform=perform)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Performs the action."""
    perform: Callable[[argparse.Namespace, Output], None] = arguments.perform
    perform(arguments, output)
    return 0


# --- convert -------------------------------------------------------------------------


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("records", help="a record file, such as nasbench_only108.tfrecord")
    parser.add_argument("--folder", help="where to keep the table; by default beside the records")
    parser.add_argument("--force", action="store_true", help="convert even if there is a table")


def _convert(arguments: argparse.Namespace, output: Output) -> None:
    path = convert(arguments.records, arguments.folder, force=arguments.force)
    columns = Columns.open(path)
    data = {"table": str(path), **_description(columns)}
    output.show(data, f"{path}: {len(columns)} cells at {_listed(columns.header.epochs)} epochs")


# --- info ----------------------------------------------------------------------------


def _add_table(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "table",
        nargs="?",
        help="a record file or a converted table; by default the small table that comes with "
        "keras_glove, of cells trained on the digits",
    )


def _add_info(parser: argparse.ArgumentParser) -> None:
    _add_table(parser)
    parser.add_argument("--verify", action="store_true", help="compare all checksums")


def _info(arguments: argparse.Namespace, output: Output) -> None:
    table = _open(arguments.table)
    data: dict[str, Any] = {"path": arguments.table, **_description(table.columns)}
    if arguments.verify and arguments.table is not None:
        Columns.verify(_file_of(arguments.table))
        data["verified"] = True
    data["complete_up_to"] = table.complete_up_to
    data["best"] = {}
    for epochs in table.columns.header.epochs:
        cell, accuracy = table.best("test_accuracy", epochs)
        data["best"][str(epochs)] = {"hash": cell.hash, "test_accuracy": accuracy}
    shown = Table(show_header=False, title=arguments.table or "the table of the digits")
    shown.add_row("cells", f"{len(table):,}, all of up to {table.complete_up_to} vertices")
    shown.add_row("epochs", _listed(table.columns.header.epochs))
    shown.add_row("repeats", str(table.columns.header.num_repeats))
    for epochs, best in data["best"].items():
        text = f"{best['test_accuracy']:.4f} in test, on average: {best['hash']}"
        shown.add_row(f"best at {epochs} epochs", text)
    if "verified" in data:
        shown.add_row("checksums", "all are right")
    output.show(data, shown)


def _file_of(path: str) -> Path:
    """The converted table behind a path, which has been opened before."""
    beside = table_path(path)
    return beside if beside.exists() else Path(path)


def _description(columns: Columns) -> dict[str, Any]:
    header = columns.header
    return {
        "cells": len(columns),
        "epochs": list(header.epochs),
        "repeats": header.num_repeats,
        "source": dict(header.source),
    }


def _open(path: str | None, seed: int | None = None) -> NASBench:
    if path is None:
        return digits_table(seed)
    return NASBench.of_columns(open_table(path), seed)


def _listed(epochs: tuple[int, ...]) -> str:
    return ", ".join(map(str, epochs))


# --- query ---------------------------------------------------------------------------


def _add_query(parser: argparse.ArgumentParser) -> None:
    _add_table(parser)
    cell = parser.add_mutually_exclusive_group(required=True)
    cell.add_argument("--hash", help="the official hash of a cell")
    cell.add_argument(
        "--matrix", help="the adjacency matrix of a cell, its rows split by commas: 011,001,000"
    )
    parser.add_argument(
        "--ops", help="with --matrix, the operations of all vertices: input,conv3x3-bn-relu,output"
    )
    parser.add_argument("--svg", help="write a picture of the cell to this file")


def _query(arguments: argparse.Namespace, output: Output) -> None:
    table = _open(arguments.table)
    module_hash = arguments.hash if arguments.hash is not None else _cell_of(arguments).hash
    fixed, computed = table.get_metrics_from_hash(module_hash)
    cell = Cell(fixed["module_adjacency"], fixed["module_operations"])
    if arguments.svg:
        cell.draw().save(arguments.svg)
    data = {
        "hash": module_hash,
        "module_adjacency": fixed["module_adjacency"].tolist(),
        "module_operations": fixed["module_operations"],
        "trainable_parameters": fixed["trainable_parameters"],
        "trainings": {str(epochs): trainings for epochs, trainings in computed.items()},
    }
    rows = ",".join("".join(map(str, row)) for row in data["module_adjacency"])
    heading = f"{module_hash}: {rows} {','.join(cell.operations or ())}"
    size = f"{fixed['trainable_parameters']:,} trainable parameters"
    output.show(data, heading, size, _trainings_table(computed))


def _trainings_table(computed: dict[int, list[dict[str, float]]]) -> Table:
    table = Table()
    for title in ("epochs", "repeat", "seconds", "train", "validation", "test"):
        table.add_column(title, justify="right")
    for epochs, trainings in computed.items():
        for repeat, training in enumerate(trainings):
            table.add_row(
                str(epochs),
                str(repeat),
                f"{training['final_training_time']:.2f}",
                *[f"{training[f'final_{part}_accuracy']:.4f}" for part in _PARTS],
            )
    return table


_PARTS = ("train", "validation", "test")


def _cell_of(arguments: argparse.Namespace) -> Cell:
    if not arguments.ops:
        raise CellError("expected --ops with --matrix: the operations of all vertices.")
    rows = arguments.matrix.split(",")
    if set("".join(rows)) - {"0", "1"}:
        raise CellError(f"expected rows of zeros and ones, received {arguments.matrix!r}.")
    return Cell([[int(digit) for digit in row] for row in rows], arguments.ops.split(","))


# --- search --------------------------------------------------------------------------


def _add_search(parser: argparse.ArgumentParser) -> None:
    _add_table(parser)
    names = ", ".join(setting.name for setting in SETTINGS)
    parser.add_argument(
        "--setting", action="append", help=f"what to search with, repeatable: {names}; default all"
    )
    parser.add_argument("--runs", type=int, default=10, help="runs of each (default 10)")
    parser.add_argument("--seconds", type=float, help="simulated seconds of training of a run")
    parser.add_argument("--queries", type=int, help="trainings of a run (default 100)")
    parser.add_argument("--epochs", type=int, help="of each training; default the most there are")
    parser.add_argument("--max-vertices", type=int, help="of the space; default what is complete")
    parser.add_argument("--seed", type=int, default=0, help="of the first runs (default 0)")
    parser.add_argument("--plot", help="write the picture of regret over time to this file")


def _search(arguments: argparse.Namespace, output: Output) -> None:
    table = _open(arguments.table)
    chosen = [find_setting(name) for name in arguments.setting or ()] or SETTINGS
    queries = arguments.queries
    if queries is None and arguments.seconds is None:
        queries = 100
    comparison = compare(
        table,
        chosen,
        num_runs=arguments.runs,
        budget_s=arguments.seconds,
        num_queries=queries,
        epochs=arguments.epochs,
        max_vertices=arguments.max_vertices,
        seed=arguments.seed,
    )
    if arguments.plot:
        comparison.plot().savefig(arguments.plot)
    output.show(comparison.summary(), comparison.table())


_Action = tuple[
    str,
    Callable[[argparse.ArgumentParser], None],
    Callable[[argparse.Namespace, Output], None],
]

_ACTIONS: dict[str, _Action] = {
    "convert": ("convert a record file into a table that opens at once", _add_convert, _convert),
    "info": ("tell what a table has", _add_info, _info),
    "query": ("show all trainings of a cell", _add_query, _query),
    "search": ("compare searches on a table", _add_search, _search),
}
