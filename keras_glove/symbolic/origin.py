"""`Origin`: where a program was derived from, and `lineage`, which tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_glove.symbolic.program import Program

__all__ = ["Origin", "derive", "lineage", "note_changes"]

_LONG = 10**9
_PLAIN = frozenset([type(None), bool, int, float, str])


@dataclass(frozen=True)
class Origin:
    """One step of how a program came about, and the steps before it.

    Attributes:
      operation: what was done, such as "materialize" or "rebind".
      detail: what it was done with: a DNA, the changes, the name of a mutation.
      parent: the step before; None where that was written by hand.
      source: in short, what it was done to, such as a search space.
    """

    operation: str
    detail: Any = None
    parent: Origin | None = None
    source: str | None = None

    def steps(self) -> Iterator[Origin]:
        """This step and those before it, the latest first.

        Where a detail has an origin of its own, as a DNA may, its steps come before the rest.
        """
        step: Origin | None = self
        while step is not None:
            yield step
            made: Origin | None = getattr(step.detail, "origin", None)
            if made is not None:
                yield from made.steps()
            step = step.parent

    def __str__(self) -> str:
        text = self.operation
        if self.source is not None:
            text += f" of {self.source}"
        if isinstance(self.detail, dict):
            return f"{text}: {', '.join(f'{name}={value}' for name, value in self.detail.items())}"
        return text if self.detail is None else f"{text}: {self.detail}"


def derive(program: Program, operation: str, detail: Any = None, source: str | None = None) -> None:
    """Notes on a program that an operation has made it what it is now.

    Args:
      program: the program; its steps so far become those before this one.
      operation: what was done, in a word.
      detail: what it was done with; with a JSON form, if the lineage is to be saved.
      source: in short, what it was done to.

    >>> from keras_glove.symbolic import lineage, program
    >>> child = program(dict, width=64)
    >>> derive(child, "mutate", "wider", source="trial 7")
    >>> print(lineage(child))
    dict(width=64)
      by mutate of trial 7: wider
    """
    object.__setattr__(program, "__origin__", Origin(operation, detail, program.__origin__, source))


def note_changes(value: Any, operation: str, changes: Iterable[tuple[str, Any]]) -> None:
    """Notes changes on a program; they join those before. Containers have no place for notes."""
    try:
        origin = value.__origin__
    except AttributeError:
        return
    texts = {name: _text_of(new) for name, new in changes}
    if origin is not None and origin.operation == operation and isinstance(origin.detail, dict):
        texts, origin = {**origin.detail, **texts}, origin.parent
    object.__setattr__(value, "__origin__", Origin(operation, texts, origin))


def _text_of(value: Any) -> str:
    if type(value) in _PLAIN:
        return repr(value)
    from keras_glove.symbolic.formatting import format_program

    return format_program(value, width=_LONG, depth=2)


def lineage(value: Any) -> str:
    """How a program came about, in words: the latest step first, down to what was written by hand.

    Args:
      value: a program, or a live object that one describes.

    >>> from keras_glove.symbolic import program, rebind
    >>> child = program(dict, width=32)
    >>> derive(child, "mutate", "wider", source="trial 7")
    >>> print(lineage(rebind(child, depth=3)))
    dict(depth=3, width=32)
      by rebind: depth=3
      by mutate of trial 7: wider
    """
    from keras_glove.symbolic.formatting import format_program
    from keras_glove.symbolic.recording import describe

    program = describe(value)
    origin = getattr(program, "__origin__", None)
    steps = [] if origin is None else list(origin.steps())
    return "\n".join([format_program(program), *(f"  by {step}" for step in steps)])
