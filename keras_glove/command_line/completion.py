"""`keras-glove completion bash|zsh`: what makes a shell complete the command."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator

from keras_glove.command_line.commands import COMMANDS
from keras_glove.command_line.output import Output

__all__ = ["add_arguments", "run"]

# Words that begin with a dash are options; what stands before the word to complete, without
# them, says which words may follow. Where none do, files are offered.
_SCRIPT = """\
_keras_glove() {{
  local word path="" words=""
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in -*) ;; *) path="$path $word" ;; esac
  done
  case "$path" in
{cases}
  esac
  COMPREPLY=( $(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}") )
}}
complete -o default -F _keras_glove keras-glove
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the shell."""
    parser.epilog = 'For bash: add `eval "$(keras-glove completion bash)"` to ~/.bashrc.'
    parser.add_argument("shell", choices=["bash", "zsh"])


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Prints the script."""
    cases = [
        f'    "{path}"{"*" if path else ""}) words="{" ".join(words)}" ;;'
        for path, words in _levels()
    ]
    # The longest path first: the first case that fits is taken.
    script = _SCRIPT.format(cases="\n".join(reversed(cases)))
    text = _ZSH + script if arguments.shell == "zsh" else script
    output.show({"script": text}, text.rstrip())
    return 0


def _levels() -> Iterator[tuple[str, list[str]]]:
    """For what may stand before, the words that may follow; outer levels first."""
    yield "", [*COMMANDS, "--help", "--version"]
    for name in COMMANDS:
        parser = argparse.ArgumentParser()
        module = importlib.import_module(f"keras_glove.command_line.{name.replace('-', '_')}")
        module.add_arguments(parser)
        yield from _inside(f" {name}", parser)


def _inside(path: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[str]]]:
    words: list[str] = []
    below: list[tuple[str, argparse.ArgumentParser]] = []
    for action in parser._actions:  # argparse has no other way to ask for them.
        words += [option for option in action.option_strings if option.startswith("--")]
        if isinstance(action, argparse._SubParsersAction):
            below += action.choices.items()
            words += action.choices
        elif action.choices is not None and not action.option_strings:
            words += action.choices
    yield path, words
    for name, subparser in below:
        yield from _inside(f"{path} {name}", subparser)
