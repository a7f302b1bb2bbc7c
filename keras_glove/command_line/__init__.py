"""The command `keras-glove`: one module of this package per subcommand.

To add one: a module with `add_arguments` and `run`, as `Command` says, and its line in
`keras_glove.command_line.commands.COMMANDS`.
"""

from __future__ import annotations

from keras_glove.command_line.commands import main

__all__ = ["main"]
