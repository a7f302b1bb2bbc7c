"""`build`: a concrete program becomes the live object it describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from keras_glove.errors import BuildError, OpenValueError
from keras_glove.symbolic.calling import call
from keras_glove.symbolic.node import Node, OpenValue
from keras_glove.symbolic.path import Link, format_path, path_of
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.recording import remember
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.traversal import SCALARS, children, linked, nodes, with_children

__all__ = ["build", "note"]


def build(value: Any) -> Any:
    """The live object that a concrete program describes, always a fresh one.

    Programs are called from the leaves up; a program that stands in two places
    is called once. Containers are copied, and other values are taken as they are.

    Raises:
      OpenValueError: a hyper-value is left; the message names its path.
      BuildError: a required argument is missing.
      Exception: whatever the class or function raises, of the same type, with the
        path of the program noted on it.

    >>> from keras_glove.symbolic import program
    >>> build([program(dict, a=program(int, "3"))])
    [{'a': 3}]
    """
    inside = nodes(value)
    if not all(_is_buildable(node) for _, node in inside):
        _refuse(value)
    builder = _Builder()
    for link, node in inside:
        if isinstance(node, Program):
            builder.add(link, node)
    return builder.built(value)


def _is_buildable(node: Node) -> bool:
    if not isinstance(node, Program):
        return False
    return not signature_of(node.__target__).missing(node.__arguments__)


def _refuse(value: Any) -> None:
    """Raises for the first value inside that cannot be built, with its path."""
    for link, inner in linked(value):
        if isinstance(inner, OpenValue):
            raise OpenValueError(
                f"at `{_place(link)}`: expected a concrete value, received the open value "
                f"{inner!r}. Materialize the program with a DNA first (`kg.materialize`), or draw "
                "children with `kg.sample`."
            )
        if isinstance(inner, Program):
            signature = signature_of(inner.__target__)
            missing = signature.missing(inner.__arguments__)
            if missing:
                raise BuildError(
                    f"at `{_place(link)}`: {signature.text} expected values for {missing}, which "
                    "are missing. Set them with `kg.rebind`."
                )
        elif isinstance(inner, Node):
            raise BuildError(
                f"at `{_place(link)}`: expected a program, received a {type(inner).__name__}, "
                "which cannot be built."
            )


def _place(link: Link) -> str:
    return format_path(path_of(link)) or "the root"


class _Builder:
    """Builds programs one after another, each after those inside it."""

    def __init__(self) -> None:
        self._live: dict[int, Any] = {}
        # Snapshots: what is built is described by what the program was at that time.
        self._snapshots: dict[int, Program] = {}

    def add(self, link: Link, program: Program) -> None:
        signature = signature_of(program.__target__)
        given = program.__arguments__
        arguments = {name: self.built(child) for name, child in given.items()}
        positional, keywords = signature.call_arguments(arguments)
        with noted(link, signature.text):
            live = program.__target__(*positional, **keywords)
        inside = {name: _with_nodes(child, self._snapshots) for name, child in given.items()}
        snapshot = Program(program.__target__, inside, program.__origin__)
        self._live[id(program)] = live
        self._snapshots[id(program)] = snapshot
        # What a call returns, such as a tensor, can be held by its arguments and never go.
        if type(live) not in SCALARS and program.__target__ is not call:
            remember(live, snapshot)

    def built(self, value: Any) -> Any:
        """A value whose programs were built before, with what was built in their places."""
        return _with_nodes(value, self._live)


def _with_nodes(value: Any, instead: Mapping[int, Any]) -> Any:
    if type(value) in SCALARS:
        return value
    if isinstance(value, Node):
        return instead[id(value)]
    kind = type(value)
    if kind is list or kind is tuple:  # nearly all containers; scalars need no call of their own
        return kind([c if type(c) in SCALARS else _with_nodes(c, instead) for c in value])
    below = children(value)
    if below is None:
        return value
    return with_children(value, [_with_nodes(child, instead) for _, child in below])


def note(error: BaseException, text: str) -> None:
    """Adds a line to an error, which keeps its type and its own message."""
    if hasattr(error, "add_note"):
        error.add_note(text)
    elif error.args and isinstance(error.args[0], str):  # Python 3.10
        error.args = (f"{error.args[0]}\n{text}", *error.args[1:])


@contextmanager
def noted(link: Link, what: str) -> Iterator[None]:
    """Notes on any error from inside where in the program it happened."""
    try:
        yield
    except Exception as error:
        if not getattr(error, "__keras_glove_noted__", False):
            note(error, f"while building `{_place(link)}` ({what})")
            with suppress(AttributeError):  # an exception class with slots: the note alone is there
                error.__keras_glove_noted__ = True  # type: ignore[attr-defined]
        raise
