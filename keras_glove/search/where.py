"""Which part of a space to search: by name, type, hint or any other rule."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from keras_glove.errors import SpaceError
from keras_glove.hyper import HyperValue, Template
from keras_glove.hyper.layout import Layout, lay_out
from keras_glove.hyper.naming import decision_points
from keras_glove.symbolic import is_open
from keras_glove.symbolic.recording import normalize

#: A pattern for names, a kind of hyper-value, a rule; or a list of these, of which one has to hold.
Where = str | type[HyperValue] | Callable[[HyperValue], bool] | list[Any] | tuple[Any, ...]


def part_of(program: Any, where: Where) -> Template:
    """A program of which only a part is decided; the rest stays open in what is materialized.

    Args:
        program: a program, or a container with hyper-values.
        where: see `sample`.

    Raises:
        SpaceError: if nothing fits `where`, or the program is a function or a template.

    >>> from keras_glove.hyper import intv, oneof
    >>> part = part_of({"tile": intv(1, 8), "op": oneof(["conv", "pool"])}, "tile")
    >>> part.materialize(part.space.first())
    {'tile': 1, 'op': oneof(['conv', 'pool'])}
    """
    if isinstance(program, Template) or not is_open(program):
        raise SpaceError(
            "expected with `where` a program or a container that holds hyper-values, received "
            f"{type(program).__name__}; a part of a function or of a template cannot be decided."
        )
    value = normalize(program)
    layout = lay_out(value)
    points = decision_points(layout)
    chosen = _chosen(layout, where)
    if not chosen:
        names = [point.name for point in points]
        raise SpaceError(
            f"expected `where` to fit a hyper-value, but {where!r} fits none of the decisions "
            f"{names[:20]}."
        )
    return Template(value, where=lambda hyper_value: id(hyper_value) in chosen)


def hinted(hint: Any) -> Callable[[HyperValue], bool]:
    """The rule that the hints of a hyper-value are, or hold, a given one.

    >>> from keras_glove.hyper import oneof
    >>> hinted("edge")(oneof([1, 2], hints=["edge", "first"]))
    True
    """

    def rule(value: HyperValue) -> bool:
        hints = value.hints
        return bool(hints == hint) or (isinstance(hints, list | tuple) and hint in hints)

    return rule


def _chosen(layout: Layout, where: Where) -> set[int]:
    """The identities of the hyper-values that fit."""
    names: dict[int, list[str]] = {}
    values: dict[int, HyperValue] = {}
    for instance in layout.decided:
        value = instance.item.value
        values[id(value)] = value
        names.setdefault(id(value), []).append(instance.name)
    rules = where if isinstance(where, list | tuple) else [where]
    fits = [_rule(rule, names) for rule in rules]
    return {key for key, value in values.items() if any(fit(value) for fit in fits)}


def _rule(where: Any, names: dict[int, list[str]]) -> Callable[[HyperValue], bool]:
    if isinstance(where, str):
        # Not fnmatch, for which the brackets of `blocks[0]` have a meaning.
        pattern = re.compile(".*".join(map(re.escape, where.split("*"))))
        return lambda value: any(pattern.fullmatch(name) for name in names[id(value)])
    if isinstance(where, type) and issubclass(where, HyperValue):
        return lambda value: isinstance(value, where)
    if callable(where) and not isinstance(where, type):
        rule: Callable[[HyperValue], bool] = where
        return rule
    raise SpaceError(
        "expected `where` to be a pattern for names such as 'hardware.*', a kind of hyper-value "
        f"such as FloatV, or a function of a hyper-value, received {where!r}."
    )
