"""A program as rows, one for each value: what the tree and the HTML view are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from keras_glove.symbolic.formatting import format_program
from keras_glove.symbolic.node import MISSING, Node, OpenValue
from keras_glove.symbolic.path import Key, format_path
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.querying import missing
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.traversal import children, is_leaf, linked

__all__ = ["Kind", "Row", "outline", "preview"]

Kind = Literal["program", "container", "open", "leaf", "missing", "default", "again"]
_LONGEST = 200
_SHORT = 60


class Row(NamedTuple):
    """One value of a program, or a small one with all that is in it.

    `depth` counts the values it stands in, `name` is how its path goes on from the row above,
    and `label` says in a line what it is; "again" is a node that was shown before.
    """

    depth: int
    name: str
    label: str
    kind: Kind
    value: Any
    folds: bool


Part = tuple[str, Any, bool]
"""A name, a value, and whether it is a default that was not given."""


def outline(
    value: Any, *, name: str = "", defaults: bool = False, whole: bool = False
) -> Iterator[Row]:
    """The values of a program in the order in which they are read, however deep they stand.

    With `whole` small programs are taken apart as well.
    """
    seen: set[int] = set()
    stack: list[Iterator[Part]] = [iter([(name, value, False)])]
    while stack:
        for key, inner, is_default in stack[-1]:
            kind = "default" if is_default else _kind(inner, seen)
            small = None
            if not whole and len(stack) > 1 and kind in ("program", "container", "open"):
                small = _small(inner, seen, defaults)
            label = small or _label(inner, kind)
            below = [] if small or kind in _CLOSED else _below(inner, defaults)
            yield Row(len(stack) - 1, key, label, kind, inner, bool(below))
            if below:
                stack.append(iter(below))
                break
        else:
            stack.pop()


_CLOSED = frozenset(["again", "default", "leaf", "missing"])


def _kind(value: Any, seen: set[int]) -> Kind:
    if value is MISSING:
        return "missing"
    if isinstance(value, Node):
        if id(value) in seen:
            return "again"
        seen.add(id(value))
        return "open" if isinstance(value, OpenValue) else "program"
    return "leaf" if is_leaf(value) else "container"


def _small(value: Any, seen: set[int], defaults: bool) -> str | None:
    """A value and all that is in it in a short line; None where it does not fit.

    None too where that would hide an open or missing value, or a node that was shown before.
    """
    inside: list[Node] = []
    for place, (_, inner) in enumerate(linked(value)):
        if place > _SHORT:
            return None
        if isinstance(inner, Node) and place:
            inside.append(inner)
    if any(isinstance(node, OpenValue) or id(node) in seen for node in inside) or missing(value):
        return None
    if inside and isinstance(value, OpenValue):
        return None
    text = format_program(value, width=_SHORT, defaults=defaults)
    if "\n" in text or len(text) > _SHORT:
        return None
    seen.update(map(id, inside))
    return text


def _below(value: Any, defaults: bool) -> list[Part]:
    if isinstance(value, OpenValue):  # the names of its lists alone say little
        return [
            (f"{name}{_name(key)}", child, False)
            for name, listed in value.__children__().items()
            for key, child in children(listed) or ()
        ]
    if type(value) is not Program:
        return [(_name(key), child, False) for key, child in children(value) or ()]
    given = value.__arguments__
    shown = signature_of(value.__target__).with_gaps(given, defaults=defaults)
    return [(_name(n), v, n not in given and v is not MISSING) for n, v in shown.items()]


def _name(key: Key) -> str:
    return format_path((key,))


def _label(value: Any, kind: Kind) -> str:
    if kind == "container":
        return f"{type(value).__name__} of {len(children(value) or ())}"
    if not isinstance(value, Node):
        return _shortened(format_program(value))
    name, _ = value.__call_form__()
    if kind == "again":
        return f"{name} (the one above)"
    return _open_label(value) if kind == "open" else name


def _open_label(value: Node) -> str:
    """A hyper-value as it is written, but for the candidates, which stand below it."""
    name, items = value.__call_form__()
    below = list(value.__children__().values())
    shown = [f"{prefix}{format_program(v)}" for prefix, v in items if v not in below]
    return _shortened(f"{name}({', '.join(shown)})" if shown else name)


def preview(value: Any) -> str:
    """A value in one short line, for a place where what is in it is folded away."""
    return _shortened(format_program(value, width=10**9, depth=2), 80)


def _shortened(text: str, longest: int = _LONGEST) -> str:
    text = " ".join(text.split()) if "\n" in text else text
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
