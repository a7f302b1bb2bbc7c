"""`keras-glove study list|show|best|export|plot|rm`."""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.table import Table

from keras_glove import plot
from keras_glove.command_line.output import Output, add_json_option
from keras_glove.errors import SearchError
from keras_glove.search import Study, Trial
from keras_glove.search.storage.catalog import delete_study, existing_name, study_names
from keras_glove.search.tables import cell, study_table

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the actions and their arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (purpose, add, perform) in _ACTIONS.items():
        action = actions.add_parser(name, help=purpose, description=f"{purpose}.")
        action.add_argument(
            "storage", help="a file such as runs/x.db, or the URL of a database server"
        )
        add_json_option(action)
        add(action)
        action.set_defaults(perform=perform)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Performs the action."""
    perform: Callable[[argparse.Namespace, Output], None] = arguments.perform
    perform(arguments, output)
    return 0


@contextlib.contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[Study]:
    """The study that the arguments name, of which nothing is changed."""
    study = Study.load(arguments.name, arguments.storage)
    try:
        yield study
    finally:
        study.close()


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="of the study; not needed if there is only one")


# --- list ----------------------------------------------------------------------------


def _add_nothing(parser: argparse.ArgumentParser) -> None:
    """The storage is all."""


def _list(arguments: argparse.Namespace, output: Output) -> None:
    data = []
    for name in study_names(arguments.storage):
        study = Study.load(name, arguments.storage)
        data.append(_summary(study))
        study.close()
    shown = Table(title=arguments.storage)
    for title in ("study", "trials", "complete", "failed", "pruned", "running", "best", "rewards"):
        shown.add_column(title, justify="left" if title in ("study", "rewards") else "right")
    for row in data:
        states = row["states"]
        counts = [str(states.get(s, 0)) for s in ("complete", "failed", "pruned", "running")]
        rewards = ", ".join(f"{name}: {direction}" for name, direction in row["rewards"].items())
        best = f"{row['pareto']} on the front" if row["best"] is None else cell(row["best"])
        shown.add_row(row["name"], str(row["trials"]), *counts, best, rewards)
    output.show(data, shown)


def _summary(study: Study) -> dict[str, Any]:
    trials = study.trials
    front = study.pareto()
    single = len(study.names) == 1 and front
    return {
        "name": study.name,
        "trials": len(trials),
        "states": dict(Counter(trial.state for trial in trials)),
        "rewards": dict(zip(study.names, study.directions, strict=True)),
        "best": front[0].reward if single else None,
        "pareto": len(front),
        "seed": study.seed,
    }


# --- show ----------------------------------------------------------------------------


def _add_show(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("--top", type=int, help="only so many of the best")
    parser.add_argument("--trial", type=int, help="all about the trial with this number")


def _show(arguments: argparse.Namespace, output: Output) -> None:
    with _opened(arguments) as study:
        if arguments.trial is not None:
            trial = _trial(study, arguments.trial)
            output.show(_details(trial), _details_table(trial))
            return
        chosen = study.trials if arguments.top is None else study.top(arguments.top)
        output.show([trial.to_dict() for trial in chosen], study_table(study, chosen))


def _trial(study: Study, number: int) -> Trial:
    trials = study.trials
    if not 0 <= number < len(trials):
        raise SearchError(f"expected a trial from 0 to {len(trials) - 1}, received {number}.")
    return trials[number]


def _details(trial: Trial) -> dict[str, Any]:
    extra = {"lineage": trial.lineage, "versions": dict(trial.versions)}
    return {**trial.to_dict(), **extra, "files": [str(path) for path in trial.files]}


def _details_table(trial: Trial) -> Table:
    shown = Table(show_header=False, title=f"trial {trial.number}")
    for name, value in _details(trial).items():
        if isinstance(value, dict):
            for key, item in value.items():
                shown.add_row(f"{name}.{key}", cell(item))
        elif value not in (None, []):
            shown.add_row(name, cell(value))
    return shown


# --- best ----------------------------------------------------------------------------


def _add_best(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("-n", type=int, default=1, help="how many, the best first (default 1)")


def _best(arguments: argparse.Namespace, output: Output) -> None:
    with _opened(arguments) as study:
        chosen = study.pareto() if len(study.names) > 1 else study.top(arguments.n)
        if not chosen:
            study.best_trial  # noqa: B018  says why there is none.
        data = [_details(trial) for trial in chosen]
        if len(chosen) == 1:
            output.show(data, _details_table(chosen[0]))
        else:
            output.show(data, study_table(study, chosen))


# --- export --------------------------------------------------------------------------


def _add_export(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("-o", "--output", help="a .csv or .json file; default standard output")


def _export(arguments: argparse.Namespace, output: Output) -> None:
    path = None if arguments.output is None else Path(arguments.output)
    if path is not None and path.suffix not in (".csv", ".json"):
        raise SearchError(f"expected a file ending in .csv or .json, received {str(path)!r}.")
    as_json = arguments.json if path is None else path.suffix == ".json"
    with _opened(arguments) as study:
        text = json.dumps(study.to_dict(), indent=1) if as_json else _csv(study)
        count = len(study.trials)
    if path is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        return
    path.write_text(text, encoding="utf-8")
    output.show({"file": str(path), "trials": count}, f"{path}: {count} trials")


def _csv(study: Study) -> str:
    rows = [_flat(trial) for trial in study.trials]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(trial: Trial) -> dict[str, Any]:
    """A trial as one row of plain values."""
    row = trial.to_dict()
    flat = {name: row[name] for name in ("number", "state", "duration_s", "seed", "dna")}
    flat |= {name: row["rewards"].get(name) for name in trial.names}
    for kind in ("decisions", "metrics", "constraints"):
        flat |= {f"{kind}.{name}": value for name, value in row[kind].items()}
    flat |= {"how": row["how"], "parents": " ".join(map(str, row["parents"]))}
    return {**flat, "error": row["error"]}


# --- plot ----------------------------------------------------------------------------


def _add_plot(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        help="the picture: .png, .svg, .pdf or another; .html for a page with all of it",
    )


def _plot(arguments: argparse.Namespace, output: Output) -> None:
    with _opened(arguments) as study:
        try:
            if arguments.output.endswith(".html"):
                study.report(arguments.output)
            else:
                draw = plot.pareto if len(study.names) > 1 else plot.history
                draw(study).savefig(arguments.output)
        except (OSError, ValueError) as error:
            raise SearchError(f"the picture cannot be written: {error}") from error
    output.show({"file": arguments.output}, arguments.output)


# --- rm ------------------------------------------------------------------------------


def _add_rm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="of the study")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--keep-files", action="store_true", help="leave the files of its trials")


def _rm(arguments: argparse.Namespace, output: Output) -> None:
    existing_name(arguments.storage, arguments.name)
    with _opened(arguments) as study:
        count, files = len(study.trials), study.files
    if not arguments.yes and not _agreed(arguments.name, count):
        raise SearchError("nothing was removed; give --yes to remove without being asked.")
    delete_study(arguments.storage, arguments.name)
    if not arguments.keep_files:
        files.remove()
    data = {"removed": arguments.name, "trials": count}
    output.show(data, f"removed {arguments.name}, {count} trials")


def _agreed(name: str, count: int) -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"remove the study {name!r} and its {count} trials? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


_Action = tuple[
    str,
    Callable[[argparse.ArgumentParser], None],
    Callable[[argparse.Namespace, Output], None],
]

_ACTIONS: dict[str, _Action] = {
    "list": ("list the studies of a storage", _add_nothing, _list),
    "show": ("show the trials of a study, or all about one", _add_show, _show),
    "best": ("show the best trials of a study, or its Pareto front", _add_best, _best),
    "export": ("write the trials of a study as CSV or JSON", _add_export, _export),
    "plot": ("draw the best so far over the trials, or the Pareto front", _add_plot, _plot),
    "rm": ("remove a study with its trials and their files", _add_rm, _rm),
}
