"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from rich.console import Console, RenderableType

__all__ = ["Output", "add_json_option"]


class Output:
    """Prints results to standard output and errors to standard error.

    Args:
        as_json: results as JSON, in one line that has no colours.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    def show(self, data: Any, *shown: RenderableType) -> None:
        """Prints a result.

        Args:
            data: JSON-able, for programs.
            *shown: the same for people: texts and tables of rich.
        """
        if self.as_json:
            sys.stdout.write(json.dumps(data) + "\n")
            return
        # A pipe has no width: let tables be as wide as they need.
        width = None if sys.stdout.isatty() else 200
        console = Console(file=sys.stdout, width=width, markup=False, emoji=False, highlight=False)
        for each in shown:
            console.print(each)

    def error(self, message: str) -> None:
        """Prints what went wrong."""
        sys.stderr.write(f"keras-glove: {message}\n")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--json`, which every subcommand with a result has."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
