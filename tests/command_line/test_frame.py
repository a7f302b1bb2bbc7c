"""The frame of the command: subcommands, exit codes, errors."""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from typing import Any

import pytest
from rich.table import Table

from keras_glove._version import __version__
from keras_glove.command_line import main
from keras_glove.command_line.commands import COMMANDS, FAILED, INTERRUPTED, MISUSED
from keras_glove.command_line.output import Output
from keras_glove.errors import OutOfDomainError


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_has_its_module_and_help(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    module = importlib.import_module(f"keras_glove.command_line.{name.replace('-', '_')}")
    assert callable(module.run)
    assert callable(module.add_arguments)
    assert main([name, "--help"]) == 0
    assert COMMANDS[name] in capsys.readouterr().out


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["unknown"], ["--unknown"], ["nasbench101"]])
def test_misuse(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == MISUSED
    assert "usage: keras-glove" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (OutOfDomainError("no [such] thing"), FAILED, "keras-glove: no [such] thing"),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted"),
    ],
)
def test_errors_are_told_without_a_traceback(
    error: BaseException,
    code: int,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(arguments: argparse.Namespace, output: Output) -> int:
        raise error

    monkeypatch.setattr("keras_glove.command_line.nasbench101.run", run)
    assert main(["nasbench101", "info"]) == code
    assert text in capsys.readouterr().err


def test_other_errors_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(arguments: argparse.Namespace, output: Output) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("keras_glove.command_line.nasbench101.run", run)
    with pytest.raises(ZeroDivisionError):
        main(["nasbench101", "info"])


def test_results_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    data: Any = {"path": "a[1].tfrecord", "value": 0.5}
    table = Table("path")
    table.add_row("a[1].tfrecord")
    Output(as_json=True).show(data, table)
    assert json.loads(capsys.readouterr().out) == data
    Output().show(data, table, "a[1]: 0.5")
    shown = capsys.readouterr().out
    assert shown.count("a[1]") == 2
    assert "\x1b" not in shown


@pytest.mark.slow
def test_a_reader_that_goes_away() -> None:
    """As in `keras-glove nasbench101 info | head -0`."""
    code = (
        "import sys; from keras_glove.command_line import main;"
        "sys.exit(main(['nasbench101', 'info', sys.argv[1]]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "none.tfrecord"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait() == FAILED
    assert "none.tfrecord" in errors
    assert "Traceback" not in errors
