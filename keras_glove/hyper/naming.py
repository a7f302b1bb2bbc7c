"""Decision points of a laid-out program, with names that people can read.

| place | name |
| --- | --- |
| an argument, in a list | `blocks[1].filters` |
| inside a candidate of `op` | `op=Conv2D.filters`, or `op=Conv2D#2.filters` where two are Conv2D |
| a slot of a `manyof` | `ops[0]` |
| named by the user | the name; in a slot of a `manyof`, which has its own copy: `ops[0].name` |
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

from keras_glove.errors import SpaceError
from keras_glove.hyper.custom import CustomValue
from keras_glove.hyper.layout import Instance, Item, Layout, instance_key
from keras_glove.hyper.points import Conditions, DecisionPoint, Group, Kind, Literals
from keras_glove.hyper.values import FloatV, HyperValue, IntV, ManyOf, OneOf
from keras_glove.symbolic import Node, Program, format_path, format_program
from keras_glove.symbolic.path import Key

__all__ = ["decision_points", "literal", "points_of", "short"]

_ROOT = "value"
"""The name of a hyper-value that is the whole program."""
_SHORT = 60
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
"""What the repr of many objects ends with; it would make spaces differ from process to process."""


def decision_points(layout: Layout) -> tuple[DecisionPoint, ...]:
    """The decision points of a program; raises `SpaceError` for a name that is given twice."""
    _check_names(layout)
    _name_all(layout)
    shared: dict[Item, _Candidates] = {}
    points: list[DecisionPoint] = []
    for instance in layout.decided:
        points += _points_of(instance, shared)
    return tuple(points)


# -- names -------------------------------------------------------------------------


def _check_names(layout: Layout) -> None:
    named: dict[str, Item] = {}
    for item in layout.items:
        name = item.value.name if item.decided else None
        if name is not None and named.setdefault(name, item) is not item:
            raise SpaceError(
                f"Expected names that differ, received {name!r} for {named[name].value!r} and "
                f"for {item.value!r}. Rename one of them; or, to decide both places at once, use "
                "the same hyper-value object in both."
            )


def _name_all(layout: Layout) -> None:
    taken: dict[str, Instance] = {}
    given = {instance.item.value.name for instance in layout.decided}
    for instance in layout.ordered[:1]:
        instance.path = ""
    for instance in layout.ordered:  # a parent names its children
        if instance.item.decided:
            instance.name = _own_name(layout, instance, taken, given)
        _name_children(instance)


def _own_name(
    layout: Layout, instance: Instance, taken: dict[str, Instance], given: set[str | None]
) -> str:
    name: str | None = instance.item.value.name
    if name is not None:
        if instance.item.scope:
            name = f"{_slot_around(layout, instance)}.{name}"
    else:
        name = automatic = instance.name or _ROOT
        number = 2
        while name in taken or name in given:
            name = f"{automatic}#{number}"
            number += 1
    for text in _point_names(instance.item.value, name):
        if taken.setdefault(text, instance) is not instance:
            raise SpaceError(
                f"Expected names that differ, received {text!r} for {taken[text].item.value!r} "
                f"and for {instance.item.value!r}. Rename one of them."
            )
    taken.setdefault(name, instance)
    return name


def _slot_around(layout: Layout, instance: Instance) -> str:
    many = instance.item.scope[-1]
    owner = layout.instances[instance_key(many, instance.slots)]
    return f"{owner.name}[{instance.slots[many]}]"


def _point_names(value: HyperValue, name: str) -> list[str]:
    return [f"{name}[{slot}]" for slot in range(value.k)] if isinstance(value, ManyOf) else [name]


def _name_children(instance: Instance) -> None:
    """Gives each child that has no place yet its place below this instance."""
    item = instance.item
    path = instance.path or ""
    labels = _labels(item) if item.decided and instance.below else {}
    for key, slot, child in instance.below:
        if child.path is not None:
            continue
        if item.decided:
            own = instance.name if slot is None else f"{instance.name}[{slot}]"
            child.path = _step(_step(path, "candidates"), key)
            child.name = f"{own}={labels[key]}"
        else:
            child.path = _step(path, key)
            child.name = _step(instance.name, key)


def _labels(item: Item) -> dict[int, str]:
    candidates = item.value.candidates
    names = {i: _target_name(c) for i, c in enumerate(candidates) if isinstance(c, Program)}
    uses = Counter(names.values())
    return {
        i: names[i] if i in names and uses[names[i]] == 1 else f"{names.get(i, '')}#{i}"
        for i in range(len(candidates))
    }


def _target_name(program: Program) -> str:
    return getattr(program.__target__, "__name__", None) or type(program.__target__).__name__


def _step(text: str, key: Key) -> str:
    """A path text with one more key; what `format_path` would make of it."""
    if type(key) is int:
        return f"{text}[{key}]"
    if type(key) is str and key.isidentifier():
        return f"{text}.{key}" if text else key
    return text + format_path((key,))


# -- points ------------------------------------------------------------------------

_Candidates = tuple[tuple[str, ...], tuple[Literals, ...]]


def _points_of(instance: Instance, shared: dict[Item, _Candidates]) -> list[DecisionPoint]:
    value = instance.item.value
    if hasattr(value, "candidates") and instance.item not in shared:
        shared[instance.item] = readable_candidates(value.candidates)
    return points_of(
        value,
        instance.start,
        instance.name,
        path=instance.path or "",
        conditions=tuple(sorted(instance.conditions)),
        readable=shared.get(instance.item),
    )


def points_of(
    value: HyperValue,
    start: int,
    name: str,
    *,
    path: str,
    conditions: Conditions = (),
    also: tuple[Conditions, ...] = (),
    readable: _Candidates | None = None,
) -> list[DecisionPoint]:
    """The decision points of one hyper-value: k for a `manyof`, else one."""
    given: dict[str, Any] = {"hints": value.hints, "conditions": conditions, "also": also}
    if isinstance(value, (IntV, FloatV)):
        kind: Kind = "int" if isinstance(value, IntV) else "float"
        step = value.step if isinstance(value, IntV) else None
        bounds: dict[str, Any] = {
            "low": value.low,
            "high": value.high,
            "step": step,
            "scale": value.scale,
        }
        return [DecisionPoint(start, name, path, kind, **bounds, **given)]
    if isinstance(value, CustomValue):
        return [DecisionPoint(start, name, path, "custom", custom=value, **given)]
    assert isinstance(value, (OneOf, ManyOf))
    texts, literals = readable or readable_candidates(value.candidates)
    choice = {"num_candidates": len(texts), "candidates": texts, "literals": literals, **given}
    if isinstance(value, ManyOf):
        indices = tuple(range(start, start + value.k))
        choice["group"] = Group(indices, len(texts), value.distinct, value.sorted)
    return [
        DecisionPoint(index, text, path, "categorical", **choice)
        for index, text in enumerate(_point_names(value, name), start)
    ]


def readable_candidates(candidates: tuple[Any, ...]) -> _Candidates:
    """Candidates as texts, and as literals where they are such."""
    shown = [literal(candidate) for candidate in candidates]
    if any(type(c) not in (int, float, bool, str, type(None)) for c in candidates):
        shown = _told_apart(candidates, shown)
    return tuple([v if type(v) is str else repr(v) for v in shown]), tuple(shown)


def literal(value: Any) -> Literals:
    """A plain literal as itself, anything else as a short text."""
    if type(value) is float and not math.isfinite(value):
        return repr(value)  # JSON has no such numbers
    return value if type(value) in (int, float, bool, str, type(None)) else short(value)


def _told_apart(candidates: tuple[Any, ...], shown: list[Literals]) -> list[Literals]:
    """Texts cut short may have become equal; then the index is added."""
    uses = Counter(v for v in shown if type(v) is str)
    return [
        f"{text} #{i}" if text is not candidate and type(text) is str and uses[text] > 1 else text
        for i, (candidate, text) in enumerate(zip(candidates, shown, strict=True))
    ]


def short(value: Any) -> str:
    """A value in at most 60 characters: programs inside a program without their arguments."""
    if isinstance(value, Node):
        name, items = value.__call_form__()
        text = f"{name}({', '.join(prefix + _inner(child) for prefix, child in items)})"
    else:
        text = _inner(value) if type(value) in (list, tuple, dict) else format_program(value)
    text = _ADDRESS.sub("", text)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."


def _inner(value: Any) -> str:
    if isinstance(value, Node):
        return f"{value.__call_form__()[0]}(...)"
    if type(value) is list:
        return f"[{', '.join(map(_inner, value[:_SHORT]))}]"
    if type(value) is tuple:
        return f"({', '.join(map(_inner, value[:_SHORT]))}{',' if len(value) == 1 else ''})"
    if type(value) is dict:
        return f"{{{', '.join(f'{key!r}: {_inner(child)}' for key, child in value.items())}}}"
    return format_program(value)
