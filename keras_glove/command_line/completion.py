"""`keras-glove completion bash|zsh|fish`: what makes a shell complete the command."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator, Sequence

from keras_glove.command_line.commands import COMMANDS
from keras_glove.command_line.output import Output

__all__ = ["add_arguments", "run"]

# Words that begin with a dash are options; what stands before the word to complete, without
# them, says which words may follow. Where none do, files are offered.
_SCRIPT = """\
_keras_glove() {{
  local word path="" words=""
  for word in "${{COMP_WORDS[@]:1:$((COMP_CWORD-1))}}"; do
    case "$word" in -*) ;; *) path="$path $word" ;; esac
  done
  case "$path" in
{cases}
  esac
  COMPREPLY=( $(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}") )
}}
complete -o default -F _keras_glove keras-glove
"""
# bashcompinit needs compinit, which a bare ~/.zshrc has not run.
_ZSH = """\
(( $+functions[compdef] )) || { autoload -U +X compinit && compinit; }
autoload -U +X bashcompinit && bashcompinit
"""
_FISH = """\
function __keras_glove_words
  set -l path ""
  for word in (commandline -opc)[2..-1]
    string match -q -- "-*" $word; or set path "$path $word"
  end
  switch "$path"
{cases}
  end
end
complete -c keras-glove -a "(__keras_glove_words)"
complete -c keras-glove -f -n "__keras_glove_words | string match -qv -- '-*'"
"""
_HOW = {
    "bash": 'For bash: add `eval "$(keras-glove completion bash)"` to ~/.bashrc',
    "zsh": 'for zsh: `eval "$(keras-glove completion zsh)"` to ~/.zshrc',
    "fish": "for fish: `keras-glove completion fish | source` to ~/.config/fish/config.fish",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the shell."""
    parser.epilog = "; ".join(_HOW.values()) + "."
    parser.add_argument("shell", choices=list(_HOW))


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Prints the script."""
    # The longest path first: the first case that fits is taken.
    levels = list(_levels())[::-1]
    text = _fish(levels) if arguments.shell == "fish" else _bash(levels)
    if arguments.shell == "zsh":
        text = _ZSH + text
    output.show({"script": text}, text.rstrip())
    return 0


def _bash(levels: Sequence[tuple[str, list[str]]]) -> str:
    cases = [
        f'    "{path}"{"*" if path else ""}) words="{" ".join(words)}" ;;' for path, words in levels
    ]
    return _SCRIPT.format(cases="\n".join(cases))


def _fish(levels: Sequence[tuple[str, list[str]]]) -> str:
    lines = []
    for path, words in levels:
        lines.append(f"    case '{path}{'*' if path else ''}'")
        lines.append(f"      string split ' ' -- '{' '.join(words)}'")
    return _FISH.format(cases="\n".join(lines))


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
