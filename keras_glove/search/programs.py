"""From what users hand to a search to a space and its programs."""

from __future__ import annotations

from typing import Any

from keras_glove.errors import SpaceError
from keras_glove.hyper import HyperValue, Template, trace
from keras_glove.search.ledger import SpaceAndPrograms
from keras_glove.symbolic import Node, Program, is_open
from keras_glove.symbolic.recording import normalize
from keras_glove.symbolic.traversal import walk


def as_template(program: Any) -> SpaceAndPrograms:
    """The compiled form of anything that can be searched.

    Args:
        program: a program or a container with hyper-values in it, a live object that
            stands for one (a functional model whose graph holds open values), a
            `Template`, what `trace` gave, or a function of no arguments whose body calls
            `oneof` and the like.

    Raises:
        SpaceError: if there is no hyper-value in it.
    """
    template = _compile(program)
    if template is None or not len(template.space):
        text = repr(program)
        raise SpaceError(
            "expected a program with hyper-values, received "
            f"{type(program).__name__} {text if len(text) <= 200 else text[:197] + '...'} without "
            "any; write `oneof([...])` or another hyper-value where the search may choose."
        )
    return template


def _compile(program: Any) -> SpaceAndPrograms | None:
    if is_open(program):
        return Template(program)
    if isinstance(program, Node):  # its attributes are the user's arguments.
        return None
    if hasattr(program, "space") and hasattr(program, "materialize"):
        template: SpaceAndPrograms = program
        return template
    described = normalize(program)  # a live object may stand for a space
    if is_open(described):
        return Template(described)
    return trace(program) if callable(program) else None


def is_plain(template: SpaceAndPrograms) -> bool:
    """Whether its programs are containers of plain values, in which nothing is to be built."""
    if not isinstance(template, Template):
        return False
    return not any(
        isinstance(value, Node) and not isinstance(value, HyperValue)
        for _, value in walk(normalize(template.value))
    )


def may_draw(template: SpaceAndPrograms) -> bool:
    """Whether building its programs may draw at random, so that each has to be seeded.

    It may, unless every class and function in it says, by an attribute `__draws_nothing__`
    that is true, that calling it draws nothing. Seeding takes longer than a quick child does.
    """
    if not isinstance(template, Template):
        return True
    for _, value in walk(normalize(template.value)):
        if isinstance(value, Program):
            if not getattr(value.__target__, "__draws_nothing__", False):
                return True
        elif isinstance(value, Node) and not isinstance(value, HyperValue):
            return True
    return False
