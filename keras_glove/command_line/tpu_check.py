"""`keras-glove tpu-check`: what a TPU would mind in the train step of a script."""

from __future__ import annotations

import argparse
import dataclasses
import runpy
from pathlib import Path
from typing import Any

from keras_glove.command_line.output import Output, add_json_option
from keras_glove.errors import TrainingError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the script."""
    add_json_option(parser)
    parser.add_argument(
        "script",
        help="a Python file that defines `model` and `data`, or a function `tpu_check()` that "
        "returns (model, data) or (model, data, SearchCallback); it is run, its `if __name__ == "
        '"__main__"` is not',
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Shows the report; the exit code is 1 where a TPU would refuse the step."""
    from keras_glove import tpu

    report = tpu.check(*_given(arguments.script))
    found = [dataclasses.asdict(finding) for finding in report.findings]
    data = {"ok": report.ok, "bytes_per_core": report.bytes_per_core, "padding": report.padding}
    output.show({**data, "findings": found}, str(report))
    return 0 if report.ok else 1


def _given(script: str) -> tuple[Any, ...]:
    if not Path(script).is_file():
        raise TrainingError(f"Expected the path of a Python file, received {script!r}.")
    names = runpy.run_path(script, run_name="tpu_check")
    if callable(names.get("tpu_check")):
        return tuple(names["tpu_check"]())
    if "model" not in names or "data" not in names:
        raise TrainingError(
            f"Expected {script} to define `model` and `data`, or a function `tpu_check()`, "
            f"received neither; it defines {sorted(n for n in names if n[0] != '_')}."
        )
    return names["model"], names["data"]
