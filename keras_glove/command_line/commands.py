"""The frame of the command `keras-glove`: arguments, subcommands, errors and exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final, Protocol, cast

from keras_glove._version import __version__
from keras_glove.command_line.output import Output
from keras_glove.errors import KerasGloveError

__all__ = ["COMMANDS", "FAILED", "INTERRUPTED", "MISUSED", "Command", "main"]

COMMANDS: Final = {
    "study": "list, show, export, draw and remove studies",
    "nasbench101": "query NAS-Bench-101 and compare searches on it",
    "tpu-check": "tell what a TPU would refuse or punish in a script's train step",
    "completion": "print what makes a shell complete this command",
}
"""The subcommands: the name of each one's module here ("-" as "_"), and what it is for."""

FAILED: Final = 1
"""Exit code when the command could not be carried out; standard error says why."""

MISUSED: Final = 2
"""Exit code for arguments that cannot be."""

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C."""


class Command(Protocol):
    """What the module of a subcommand has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the subcommand's arguments; it may have subcommands of its own."""

    def run(self, arguments: argparse.Namespace, output: Output) -> int:
        """Carries it out; returns the exit code, 0 for success.

        What a `KerasGloveError` says is shown to the user.
        """


def main(argv: Sequence[str] | None = None) -> int:
    """Carries out a command line.

    Args:
        argv: the arguments; None for those of the process.

    Returns:
        The exit code: 0, `FAILED`, `MISUSED` or `INTERRUPTED`.

    >>> main(["--version"])
    keras-glove ...
    0
    """
    given = sys.argv[1:] if argv is None else list(argv)
    try:
        arguments = _parser(given).parse_args(given)
    except SystemExit as end:  # argparse has said what it has to say
        return MISUSED if end.code else 0
    output = Output(as_json=arguments.json)
    try:
        return _load(arguments.command).run(arguments, output)
    except KerasGloveError as error:
        output.error(str(error))
        return FAILED
    except KeyboardInterrupt:
        output.error("interrupted.")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe has gone, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keras-glove", description="Symbolic programming for AutoML on Keras."
    )
    parser.add_argument("--version", action="version", version=f"keras-glove {__version__}")
    subcommands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((name for name in given if name in COMMANDS), None)
    for name, purpose in COMMANDS.items():
        subparser = subcommands.add_parser(name, help=purpose, description=f"{purpose}.")
        subparser.set_defaults(json=False)
        if name == chosen:  # the others need not be imported
            _load(name).add_arguments(subparser)
    return parser


def _load(name: str) -> Command:
    module = importlib.import_module(f"keras_glove.command_line.{name.replace('-', '_')}")
    return cast(Command, module)
